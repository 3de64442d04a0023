using System.Runtime.CompilerServices;

namespace BitVla.Kernels.Floats;

/// <summary>The float stages, each written once over the lanes it is instantiated with.</summary>
/// <remarks>
/// Numerics: every order is fixed by the lanes' count of sixteen and by the loops here, so the instantiations give the same
/// bits. Loads and stores of a ragged end go through a small buffer: nothing past the end of a row is touched.
/// </remarks>
internal sealed unsafe partial class FloatKernels<TLanes> : IFloatKernels
    where TLanes : struct, ILanes16<TLanes>
{
    private const int Lanes = 16;

    // Elements i … i+15 of a row of n; elements past its end read as pad.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes LoadAt(float* row, int i, int n, float pad) => i + Lanes <= n ? TLanes.Load(row + i) : LoadEnd(row + i, n - i, pad);

    // Elements i … i+15 of a row of n; elements past its end stay as they are.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreAt(TLanes value, float* row, int i, int n)
    {
        if (i + Lanes <= n)
        {
            TLanes.Store(value, row + i);
        }
        else
        {
            StoreEnd(value, row + i, n - i);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TLanes LoadEnd(float* source, int count, float pad)
    {
        float* buffer = stackalloc float[Lanes];
        for (int i = 0; i < Lanes; i++)
        {
            buffer[i] = i < count ? source[i] : pad;
        }

        return TLanes.Load(buffer);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StoreEnd(TLanes value, float* destination, int count)
    {
        float* buffer = stackalloc float[Lanes];
        TLanes.Store(value, buffer);
        for (int i = 0; i < count; i++)
        {
            destination[i] = buffer[i];
        }
    }

    private static float Maximum(TLanes value)
    {
        float* buffer = stackalloc float[Lanes];
        TLanes.Store(value, buffer);
        float max = buffer[0];
        for (int i = 1; i < Lanes; i++)
        {
            max = buffer[i] > max ? buffer[i] : max;
        }

        return max;
    }
}
