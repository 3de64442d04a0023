namespace BitVla.Kernels.Floats;

/// <summary>The float stages on one kind of lanes; called once a tile, never inside one.</summary>
internal unsafe interface IFloatKernels
{
    /// <summary>Runs a row operation on rows first … end-1; scratch holds one row of results.</summary>
    void Rows(in RowTask task, int first, int end, float* scratch);

    /// <summary>Rotates rows first … end-1.</summary>
    void Rope(in RopeTask task, int first, int end);

    /// <summary>Computes one tile of a dense product; scratch holds its accumulators.</summary>
    void Dense(in DenseTask task, int tile, float* scratch);

    /// <summary>Packs one block of keys and values.</summary>
    void PackKeysAndValues(in AttentionTask task, int tile);

    /// <summary>Computes one strip of queries of one head.</summary>
    void AttendStrip(in AttentionTask task, int tile, float* scratch);
}
