namespace BitVla.Kernels;

/// <summary>Activations as signed bytes with one scale a token: the input of every BitLinear.</summary>
/// <remarks>
/// Shape: <see cref="Levels"/> [Rows, Stride] row-major, of which the first <see cref="Columns"/> are values and the rest
/// zero; <see cref="Scale"/> [Rows].
/// Units: level = round_half_even(x · t), x ≈ level / t, t = 127 / a, a = max(absmax of the row, 1e-5).
/// Numerics: t = fl(fl(1 / a) · 127), as PyTorch evaluates 127 / a (all scales of the unit
/// goldens have these bits). |level| ≤ 127 by construction of the absmax quantiser; kernels may rely on it.
/// Source: activation quantiser of modeling_bitnet.py, ustcwhy/BitVLA.
/// </remarks>
public readonly unsafe struct QuantizedActivations
{
    /// <summary>Every row's byte count is a multiple of this, so that kernels load whole blocks.</summary>
    public const int StrideMultiple = 64;

    /// <summary>Creates a view over memory that the caller owns, 64-byte aligned.</summary>
    public QuantizedActivations(sbyte* levels, float* scale, int rows, int columns)
    {
        Levels = levels;
        Scale = scale;
        Rows = rows;
        Columns = columns;
        Stride = StrideFor(columns);
    }

    /// <summary>The levels, row-major, rows <see cref="Stride"/> bytes apart.</summary>
    public sbyte* Levels { get; }

    /// <summary>t of each row.</summary>
    public float* Scale { get; }

    /// <summary>Number of tokens.</summary>
    public int Rows { get; }

    /// <summary>Number of features of a token.</summary>
    public int Columns { get; }

    /// <summary>Bytes from one row to the next.</summary>
    public int Stride { get; }

    /// <summary>The row stride for a number of features.</summary>
    public static int StrideFor(int columns) => (columns + StrideMultiple - 1) / StrideMultiple * StrideMultiple;
}
