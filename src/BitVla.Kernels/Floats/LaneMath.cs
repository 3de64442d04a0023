using System.Runtime.CompilerServices;

namespace BitVla.Kernels.Floats;

/// <summary>Exponential, hyperbolic tangent, error function and the activations made of them, in float32 lanes.</summary>
/// <remarks>
/// Numerics: polynomials of our own from fused multiply-adds (Remez exchange; the coefficients are the minimax ones rounded to
/// float32), the same bits on every processor. Arguments are clamped so that no result is denormal, infinite or NaN. Measured
/// over dense sweeps: exp within 1, tanh within 2, erf within 2 units in the last place.
/// </remarks>
internal static class LaneMath<TLanes>
    where TLanes : struct, ILanes16<TLanes>
{
    /// <summary>Smallest argument of <see cref="Exp"/>: e^-87 is still a normal number.</summary>
    public const float MinExponent = -87f;

    /// <summary>Largest argument of <see cref="Exp"/>: e^88 is still finite.</summary>
    public const float MaxExponent = 88f;

    // 1.5·2^23: adding it rounds to an integer, ties to even, and leaves the integer in the low bits.
    private const float RoundingMagic = 12582912f;
    private const float Log2E = 1.44269504f;

    // ln 2 in two floats; the fused product makes the first step exact enough without a shortened high part.
    private const float Ln2High = 0.693147182f;
    private const float Ln2Low = -1.90465421e-9f;

    // The float32 nearest tanh(9.1) is 1.
    private const float TanhSaturation = 9.1f;
    private const float TanhSwitch = 0.625f;

    // The float32 nearest erf(3.95) is 1.
    private const float ErfSaturation = 3.95f;
    private const float ErfSwitch = 0.921875f;

    /// <summary>e^x with x clamped to [<see cref="MinExponent"/>, <see cref="MaxExponent"/>].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Exp(TLanes x)
    {
        TLanes magic = TLanes.Broadcast(RoundingMagic);
        x = TLanes.Min(TLanes.Max(x, TLanes.Broadcast(MinExponent)), TLanes.Broadcast(MaxExponent));
        TLanes shifted = TLanes.Fma(x, TLanes.Broadcast(Log2E), magic);
        TLanes n = TLanes.Subtract(shifted, magic);
        TLanes r = TLanes.FmaNegated(n, TLanes.Broadcast(Ln2High), x);
        r = TLanes.FmaNegated(n, TLanes.Broadcast(Ln2Low), r);

        // e^r = 1 + r + r²·P(r) on |r| ≤ ln2/2, truncation below 0.06 units in the last place.
        TLanes p = TLanes.Broadcast(0.0013814320699690491f);
        p = TLanes.Fma(p, r, TLanes.Broadcast(0.008368851067673265f));
        p = TLanes.Fma(p, r, TLanes.Broadcast(0.04166840108127145f));
        p = TLanes.Fma(p, r, TLanes.Broadcast(0.1666651952407886f));
        p = TLanes.Fma(p, r, TLanes.Broadcast(0.49999993373097573f));
        p = TLanes.Fma(p, TLanes.Multiply(r, r), r);
        return TLanes.Scale(TLanes.Add(p, TLanes.Broadcast(1f)), shifted);
    }

    /// <summary>tanh x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Tanh(TLanes x)
    {
        TLanes one = TLanes.Broadcast(1f);
        TLanes a = TLanes.Min(TLanes.Abs(x), TLanes.Broadcast(TanhSaturation));

        // Below the switch a + a³·P(a²), which keeps relative precision; above it 1 - 2/(e^2a + 1).
        TLanes z = TLanes.Multiply(a, a);
        TLanes p = TLanes.Broadcast(-0.005717045059345191f);
        p = TLanes.Fma(p, z, TLanes.Broadcast(0.02065058729995303f));
        p = TLanes.Fma(p, z, TLanes.Broadcast(-0.05374349808184733f));
        p = TLanes.Fma(p, z, TLanes.Broadcast(0.13331491286993558f));
        p = TLanes.Fma(p, z, TLanes.Broadcast(-0.33333283925284046f));
        TLanes small = TLanes.Fma(p, TLanes.Multiply(z, a), a);

        TLanes e = Exp(TLanes.Add(a, a));
        TLanes large = TLanes.Subtract(one, TLanes.Divide(TLanes.Broadcast(2f), TLanes.Add(e, one)));
        return TLanes.WithSign(TLanes.SelectLess(a, TLanes.Broadcast(TanhSwitch), small, large), x);
    }

    /// <summary>erf x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Erf(TLanes x)
    {
        TLanes a = TLanes.Min(TLanes.Abs(x), TLanes.Broadcast(ErfSaturation));

        // Below the switch a + a·P(a²).
        TLanes z = TLanes.Multiply(a, a);
        TLanes p = TLanes.Broadcast(8.369326525317412e-05f);
        p = TLanes.Fma(p, z, TLanes.Broadcast(-0.0008142488792728665f));
        p = TLanes.Fma(p, z, TLanes.Broadcast(0.00520100917025145f));
        p = TLanes.Fma(p, z, TLanes.Broadcast(-0.026859386325938178f));
        p = TLanes.Fma(p, z, TLanes.Broadcast(0.11283695193457052f));
        p = TLanes.Fma(p, z, TLanes.Broadcast(-0.37612633702522835f));
        p = TLanes.Fma(p, z, TLanes.Broadcast(0.1283791666272646f));
        TLanes small = TLanes.Fma(p, a, a);

        // Above it 1 - e^-(a + a·Q(a)), Q fitted to -ln(erfc a)/a - 1 with the weight that the final subtraction gives it.
        TLanes q = TLanes.Broadcast(1.0432934063520862e-05f);
        q = TLanes.Fma(q, a, TLanes.Broadcast(-0.00031485640986526117f));
        q = TLanes.Fma(q, a, TLanes.Broadcast(0.003610335447322379f));
        q = TLanes.Fma(q, a, TLanes.Broadcast(-0.023694553084590075f));
        q = TLanes.Fma(q, a, TLanes.Broadcast(0.10615903516474257f));
        q = TLanes.Fma(q, a, TLanes.Broadcast(0.6351980421740484f));
        q = TLanes.Fma(q, a, TLanes.Broadcast(0.1286370733452714f));
        TLanes exponent = TLanes.Subtract(TLanes.Zero, TLanes.Fma(q, a, a));
        TLanes large = TLanes.Subtract(TLanes.Broadcast(1f), Exp(exponent));
        return TLanes.WithSign(TLanes.SelectLess(a, TLanes.Broadcast(ErfSwitch), small, large), x);
    }

    /// <summary>0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))).</summary>
    /// <remarks>Numerics: u = fma(fl(0.044715·fl(x·x)), x, x); fl(fl(0.5·x)·fl(1 + tanh(fl(√(2/π)·u)))).</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes GeluTanh(TLanes x)
    {
        TLanes u = TLanes.Fma(TLanes.Multiply(TLanes.Broadcast(0.044715f), TLanes.Multiply(x, x)), x, x);
        TLanes t = Tanh(TLanes.Multiply(TLanes.Broadcast(0.7978845608f), u));
        return TLanes.Multiply(TLanes.Multiply(TLanes.Broadcast(0.5f), x), TLanes.Add(TLanes.Broadcast(1f), t));
    }

    /// <summary>0.5·x·(1 + erf(x/√2)).</summary>
    /// <remarks>Numerics: fl(fl(0.5·x)·fl(1 + erf(fl(x·fl(1/√2))))).</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes GeluErf(TLanes x)
    {
        TLanes t = Erf(TLanes.Multiply(TLanes.Broadcast(0.70710678118f), x));
        return TLanes.Multiply(TLanes.Multiply(TLanes.Broadcast(0.5f), x), TLanes.Add(TLanes.Broadcast(1f), t));
    }
}
