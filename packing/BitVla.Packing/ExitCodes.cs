namespace BitVla.Packing;

/// <summary>Exit codes of <c>bitvla-pack</c>; the help lists them, scripts match them.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;
    public const int Usage = 1;
    public const int ModelInvalid = 3;
    public const int Internal = 70;

    // 128 + SIGINT, what a shell reports for a program that Ctrl-C ended.
    public const int Cancelled = 130;
}
