namespace BitVla.Kernels.Floats;

/// <summary>The row operations a <see cref="RowTask"/> can name.</summary>
internal enum RowOperation
{
    /// <summary>y = x · rsqrt(mean(x²) + eps) · weight.</summary>
    RmsNorm,

    /// <summary>y = (x - mean) / sqrt(variance + eps) · weight + bias.</summary>
    LayerNorm,

    /// <summary>Absmax quantiser.</summary>
    Quantize,

    /// <summary>RmsNorm, then Quantize.</summary>
    RmsNormQuantize,

    /// <summary>LayerNorm, then Quantize.</summary>
    LayerNormQuantize,

    /// <summary>relu(gate)² · up, then RmsNorm, then Quantize.</summary>
    GateNormQuantize,

    /// <summary>tanh-GELU, then Quantize.</summary>
    GeluTanhQuantize,

    /// <summary>tanh-GELU into y.</summary>
    GeluTanh,

    /// <summary>erf-GELU into y.</summary>
    GeluErf,

    /// <summary>max(x, 0) into y.</summary>
    Relu,

    /// <summary>y = y + x, x's row modulo its row count.</summary>
    AddRows,
}

/// <summary>One operation on rows, as plain data that a tile can be cut from.</summary>
internal unsafe struct RowTask
{
    /// <summary>What to do.</summary>
    public RowOperation Operation;

    /// <summary>Input [rows, Columns] (gate|up: [rows, 2·Columns]).</summary>
    public float* X;

    /// <summary>Elements from one input row to the next.</summary>
    public nint XStride;

    /// <summary>Rows after which the input starts again.</summary>
    public int XRows;

    /// <summary>Features of a result row.</summary>
    public int Columns;

    /// <summary>Scale of each feature, for the norms.</summary>
    public float* Weight;

    /// <summary>Offset of each feature, for LayerNorm.</summary>
    public float* Bias;

    /// <summary>Added to the mean square or variance.</summary>
    public float Epsilon;

    /// <summary>Output [rows, Columns], where the operation has one.</summary>
    public float* Y;

    /// <summary>Elements from one output row to the next.</summary>
    public nint YStride;

    /// <summary>Quantised output, where the operation has one.</summary>
    public QuantizedActivations Quantized;
}
