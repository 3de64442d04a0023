namespace BitVla.Kernels.Floats;

internal sealed unsafe partial class FloatKernels<TLanes>
{
    /// <inheritdoc/>
    public void Rope(in RopeTask task, int first, int end)
    {
        int half = task.HeadDim / 2;
        for (int row = first; row < end; row++)
        {
            nint table = (nint)(task.FirstPosition + row) * half;
            float* x = task.X + (row * task.XStride);
            for (int head = 0; head < task.Heads; head++, x += task.HeadDim)
            {
                RotateHead(x, x + half, half, task.Cos + table, task.Sin + table);
            }
        }
    }

    /// <inheritdoc/>
    public void PackKeysAndValues(in AttentionTask task, int tile)
    {
        int d = task.HeadDim;
        int kvHead = tile / task.PackBlocks;
        int first = tile % task.PackBlocks * AttentionTask.PackKeys;
        int end = Math.Min(first + AttentionTask.PackKeys, task.Keys);
        int paddedEnd = AttentionTask.Pad(end);
        nint row = (nint)(kvHead / task.KvHeads) * task.Keys;
        nint column = (nint)(kvHead % task.KvHeads) * d;

        float* keyPanels = task.KeyPanels + ((nint)kvHead * d * task.PaddedKeys);
        for (int key = first; key < paddedEnd; key++)
        {
            float* source = task.K + ((row + key) * task.KStride) + column;
            float* panel = keyPanels + ((nint)(key / Lanes) * Lanes * d) + (key % Lanes);
            for (int i = 0; i < d; i++)
            {
                panel[i * Lanes] = key < end ? source[i] : 0f;
            }
        }

        float* valuePanels = task.ValuePanels + ((nint)kvHead * d * task.Keys);
        for (int feature = 0; feature < d; feature += Lanes)
        {
            int width = Math.Min(Lanes, d - feature);
            float* panel = valuePanels + ((nint)feature * task.Keys);
            for (int key = first; key < end; key++)
            {
                float* source = task.V + ((row + key) * task.VStride) + column + feature;
                for (int i = 0; i < width; i++)
                {
                    panel[((nint)key * width) + i] = source[i];
                }
            }
        }
    }

    /// <inheritdoc/>
    public void AttendStrip(in AttentionTask task, int tile, float* scratch)
    {
        // Strips of a head run one after another, heads of a group too: their keys and values stay in L2.
        int batchHead = tile / task.Strips;
        int first = tile % task.Strips * task.StripQueries;
        int rows = Math.Min(task.StripQueries, task.Queries - first);
        int batch = batchHead / task.Heads;
        int head = batchHead % task.Heads;
        int kvHead = (batch * task.KvHeads) + (head / (task.Heads / task.KvHeads));
        int d = task.HeadDim;
        int keys = task.Keys;
        int padded = task.PaddedKeys;
        nint queryRow = ((nint)batch * task.Queries) + first;
        float* q = task.Q + (queryRow * task.QStride) + ((nint)head * d);
        float* y = task.Y + (queryRow * task.YStride) + ((nint)head * d);
        float* scores = scratch;
        float* output = scores + ((nint)rows * padded);
        float* sums = output + (rows * Lanes);

        float* keyPanel = task.KeyPanels + ((nint)kvHead * d * padded);
        for (int key = 0; key < padded; key += Lanes, keyPanel += (nint)Lanes * d)
        {
            PanelBlock<FloatPanel>(q, task.QStride, rows, (byte*)keyPanel, Lanes * sizeof(float), d, scores + key, padded, true);
        }

        for (int row = 0; row < rows; row++)
        {
            sums[row] = Exponentials(scores + ((nint)row * padded), keys, padded, task.Scale);
        }

        float* valuePanel = task.ValuePanels + ((nint)kvHead * d * keys);
        for (int feature = 0; feature < d; feature += Lanes, valuePanel += (nint)Lanes * keys)
        {
            // A narrow last panel is read sixteen wide all the same; the lanes past its width are dropped at the store.
            int width = Math.Min(Lanes, d - feature);
            PanelProduct<FloatPanel>(scores, padded, rows, (byte*)valuePanel, width * sizeof(float), keys, output);
            for (int row = 0; row < rows; row++)
            {
                TLanes quotient = TLanes.Divide(TLanes.Load(output + (row * Lanes)), TLanes.Broadcast(sums[row]));
                StoreAt(quotient, y + (row * task.YStride) + feature, 0, width);
            }
        }
    }

    // Turns dot products into exp(fl(scale · dot) - max) and returns their sum. The row's padding takes part in no result.
    private static float Exponentials(float* row, int keys, int padded, float scale)
    {
        for (int i = keys; i < padded; i++)
        {
            row[i] = row[0];
        }

        TLanes scales = TLanes.Broadcast(scale);
        TLanes largest = TLanes.Broadcast(float.NegativeInfinity);
        TLanes poison = TLanes.Zero;
        for (int i = 0; i < padded; i += Lanes)
        {
            TLanes score = TLanes.Multiply(scales, TLanes.Load(row + i));
            TLanes.Store(score, row + i);
            largest = TLanes.Max(score, largest);
            poison = TLanes.Fma(score, TLanes.Zero, poison);
        }

        TLanes max = TLanes.Broadcast(Maximum(largest));
        for (int i = 0; i < padded; i += Lanes)
        {
            TLanes.Store(LaneMath<TLanes>.Exp(TLanes.Subtract(TLanes.Load(row + i), max)), row + i);
        }

        for (int i = keys; i < padded; i++)
        {
            row[i] = 0f;
        }

        TLanes sum = TLanes.Zero;
        for (int i = 0; i < padded; i += Lanes)
        {
            sum = TLanes.Add(sum, TLanes.Load(row + i));
        }

        // Exp clamps its argument and would make a number of NaN: the divisor keeps it.
        return TLanes.Sum(poison) == 0f ? TLanes.Sum(sum) : float.NaN;
    }

    private static void RotateHead(float* first, float* second, int half, float* cos, float* sin)
    {
        for (int i = 0; i < half; i += Lanes)
        {
            TLanes u1 = LoadAt(first, i, half, 0f);
            TLanes u2 = LoadAt(second, i, half, 0f);
            TLanes c = LoadAt(cos, i, half, 0f);
            TLanes s = LoadAt(sin, i, half, 0f);

            // fma(u1, c, -fl(u2·s)): subtracting from positive zero would lose the sign of a zero product, negating s does not.
            TLanes negated = TLanes.Multiply(TLanes.Broadcast(-1f), s);
            StoreAt(TLanes.Fma(u1, c, TLanes.Multiply(u2, negated)), first, i, half);
            StoreAt(TLanes.Fma(u2, c, TLanes.Multiply(u1, s)), second, i, half);
        }
    }
}
