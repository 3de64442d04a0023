using BitVla.Kernels.Floats;

namespace BitVla.Kernels;

public sealed unsafe partial class Operations
{
    /// <summary>Bidirectional grouped-query attention, row-complete two-pass softmax.</summary>
    /// <remarks>
    /// Shape: q [batches·queries, heads·headDim], k and v [batches·keys, kvHeads·headDim], y [batches·queries, heads·headDim], each
    /// at its stride. Query head j reads KV head j / (heads / kvHeads). Batches (camera images) do not see each other.
    /// Numerics: score = fl(scale · (q·k sequential over headDim by fma from zero)); p = exp(score - max); sum of p over 16 virtual
    /// lanes; p·v sequential over keys by fma from zero; division by the sum last.
    /// </remarks>
    public void Attention(
        float* q, nint qStride, float* k, nint kStride, float* v, nint vStride,
        int batches, int queries, int keys, int heads, int kvHeads, int headDim, float scale,
        float* y, nint yStride, CancellationToken cancellation)
    {
        if (batches <= 0 || queries <= 0 || keys <= 0)
        {
            return;
        }

        if (keys > Limits.MaxKeys)
        {
            ThrowBeyondLimits("keys", keys, Limits.MaxKeys);
        }

        nint keyFeatures = (nint)batches * kvHeads * headDim;
        if (keyFeatures * AttentionTask.Pad(keys) > keyPanelCapacity || keyFeatures * keys > valuePanelCapacity)
        {
            ThrowBeyondLimits("key features", keyFeatures, Limits.MaxKeyFeatures);
        }

        var task = new AttentionTask
        {
            Q = q, QStride = qStride, K = k, KStride = kStride, V = v, VStride = vStride, Y = y, YStride = yStride,
            Batches = batches, Queries = queries, Keys = keys, Heads = heads, KvHeads = kvHeads, HeadDim = headDim, Scale = scale,
            KeyPanels = keyPanels, ValuePanels = valuePanels,
        };
        var pack = new PackJob { Owner = this, Task = task };
        pool.Run(ref pack, task.PackTiles, cancellation);
        var strips = new StripJob { Owner = this, Task = task };
        pool.Run(ref strips, task.StripTiles, cancellation);
    }

    /// <summary>Rotary position embedding in place, half-split convention; row i of x has position <paramref name="firstPosition"/> + i.</summary>
    /// <remarks>
    /// Shape: x [M, heads·headDim] at its stride; cos and sin [positions, headDim/2].
    /// Numerics: u1' = fma(u1, c, -(u2·s) rounded once), u2' = fma(u2, c, fl(u1·s)).
    /// </remarks>
    public void Rope(float* x, nint xStride, int m, int firstPosition, int heads, int headDim, float* cos, float* sin, CancellationToken cancellation)
    {
        if (m <= 0)
        {
            return;
        }

        var task = new RopeTask
        {
            X = x, XStride = xStride, FirstPosition = firstPosition, Heads = heads, HeadDim = headDim, Cos = cos, Sin = sin,
        };
        int perTile = RowsPerTile(heads * headDim);
        var job = new RopeJob { Owner = this, Task = task, Rows = m, RowsPerTile = perTile };
        pool.Run(ref job, (m + perTile - 1) / perTile, cancellation);
    }
}
