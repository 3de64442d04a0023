namespace BitVla.Edge.Host;

/// <summary>Exit codes of every verb; docs/cli.md lists them for people.</summary>
internal static class ExitCode
{
    public const int Ok = 0;
    public const int Usage = 1;
    public const int Configuration = 2;
    public const int ModelInvalid = 3;
    public const int HardwareMissing = 4;
    public const int SafetyRefused = 5;
    public const int Internal = 70;
    public const int Interrupted = 130;
}
