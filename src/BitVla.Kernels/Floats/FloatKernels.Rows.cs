namespace BitVla.Kernels.Floats;

internal sealed unsafe partial class FloatKernels<TLanes>
{
    private const float AbsMaxFloor = 1e-5f;
    private const float MaxLevel = 127f;

    /// <inheritdoc/>
    public void Rows(in RowTask task, int first, int end, float* scratch)
    {
        for (int row = first; row < end; row++)
        {
            Row(task, row, scratch);
        }
    }

    // Fused operations are the separate steps with a row of scratch between them: equality of bits needs no proof.
    private static void Row(in RowTask task, int row, float* scratch)
    {
        float* x = task.X + ((nint)(row % task.XRows) * task.XStride);
        float* y = task.Y + (row * task.YStride);
        int d = task.Columns;
        switch (task.Operation)
        {
            case RowOperation.RmsNorm:
                RmsNorm(x, d, task.Weight, task.Epsilon, y);
                break;
            case RowOperation.LayerNorm:
                LayerNorm(x, d, task.Weight, task.Bias, task.Epsilon, y);
                break;
            case RowOperation.Quantize:
                Quantize(x, task.Quantized, row);
                break;
            case RowOperation.RmsNormQuantize:
                RmsNorm(x, d, task.Weight, task.Epsilon, scratch);
                Quantize(scratch, task.Quantized, row);
                break;
            case RowOperation.LayerNormQuantize:
                LayerNorm(x, d, task.Weight, task.Bias, task.Epsilon, scratch);
                Quantize(scratch, task.Quantized, row);
                break;
            case RowOperation.GateNormQuantize:
                SquaredReluGate(x, x + d, d, scratch);
                RmsNorm(scratch, d, task.Weight, task.Epsilon, scratch);
                Quantize(scratch, task.Quantized, row);
                break;
            case RowOperation.GeluTanhQuantize:
                GeluTanh(x, d, scratch);
                Quantize(scratch, task.Quantized, row);
                break;
            case RowOperation.GeluTanh:
                GeluTanh(x, d, y);
                break;
            case RowOperation.GeluErf:
                GeluErf(x, d, y);
                break;
            case RowOperation.Relu:
                Relu(x, d, y);
                break;
            case RowOperation.AddRows:
                Add(x, d, y);
                break;
        }
    }

    private static void RmsNorm(float* x, int d, float* weight, float epsilon, float* y)
    {
        TLanes sum = TLanes.Zero;
        for (int i = 0; i < d; i += Lanes)
        {
            TLanes v = LoadAt(x, i, d, 0f);
            sum = TLanes.Fma(v, v, sum);
        }

        TLanes r = TLanes.Broadcast(1f / MathF.Sqrt((TLanes.Sum(sum) / d) + epsilon));
        for (int i = 0; i < d; i += Lanes)
        {
            TLanes v = TLanes.Multiply(LoadAt(x, i, d, 0f), r);
            StoreAt(TLanes.Multiply(v, LoadAt(weight, i, d, 0f)), y, i, d);
        }
    }

    private static void LayerNorm(float* x, int d, float* weight, float* bias, float epsilon, float* y)
    {
        TLanes sum = TLanes.Zero;
        for (int i = 0; i < d; i += Lanes)
        {
            sum = TLanes.Add(sum, LoadAt(x, i, d, 0f));
        }

        // Past the end the row reads as its mean, so that those lanes add an exact zero to the variance.
        float mean = TLanes.Sum(sum) / d;
        TLanes means = TLanes.Broadcast(mean);
        TLanes squares = TLanes.Zero;
        for (int i = 0; i < d; i += Lanes)
        {
            TLanes v = TLanes.Subtract(LoadAt(x, i, d, mean), means);
            squares = TLanes.Fma(v, v, squares);
        }

        TLanes r = TLanes.Broadcast(1f / MathF.Sqrt((TLanes.Sum(squares) / d) + epsilon));
        for (int i = 0; i < d; i += Lanes)
        {
            TLanes v = TLanes.Multiply(TLanes.Subtract(LoadAt(x, i, d, 0f), means), r);
            StoreAt(TLanes.Fma(v, LoadAt(weight, i, d, 0f), LoadAt(bias, i, d, 0f)), y, i, d);
        }
    }

    private static void Quantize(float* x, in QuantizedActivations q, int row)
    {
        int d = q.Columns;
        TLanes largest = TLanes.Zero;
        TLanes poison = TLanes.Zero;
        for (int i = 0; i < d; i += Lanes)
        {
            TLanes v = LoadAt(x, i, d, 0f);
            largest = TLanes.Max(TLanes.Abs(v), largest);
            poison = TLanes.Fma(v, TLanes.Zero, poison);
        }

        float max = Maximum(largest);

        // The authors' 127 / a is a reciprocal and a product in PyTorch, two roundings: their goldens hold these very bits.
        // A byte cannot say NaN, so the scale says it for the row: NaN or infinity times zero is NaN, anything else is a zero.
        float t = TLanes.Sum(poison) == 0f ? 1f / (max > AbsMaxFloor ? max : AbsMaxFloor) * MaxLevel : float.NaN;
        q.Scale[row] = t;

        // The clamp never acts on finite input; it makes |level| ≤ 127 hold whatever comes in, because kernels rely on it.
        TLanes scale = TLanes.Broadcast(t);
        TLanes high = TLanes.Broadcast(MaxLevel);
        TLanes low = TLanes.Broadcast(-MaxLevel);
        sbyte* levels = q.Levels + ((nint)row * q.Stride);
        int done = 0;
        for (; done < d; done += Lanes)
        {
            TLanes v = TLanes.Multiply(LoadAt(x, done, d, 0f), scale);
            TLanes.StoreLevels(TLanes.Max(TLanes.Min(v, high), low), levels + done);
        }

        for (; done < q.Stride; done += Lanes)
        {
            TLanes.StoreLevels(TLanes.Zero, levels + done);
        }
    }

    private static void SquaredReluGate(float* gate, float* up, int d, float* y)
    {
        for (int i = 0; i < d; i += Lanes)
        {
            // In this order NaN stays NaN: the second operand wins.
            TLanes g = TLanes.Max(TLanes.Zero, LoadAt(gate, i, d, 0f));
            StoreAt(TLanes.Multiply(TLanes.Multiply(g, g), LoadAt(up, i, d, 0f)), y, i, d);
        }
    }

    private static void GeluTanh(float* x, int d, float* y)
    {
        for (int i = 0; i < d; i += Lanes)
        {
            StoreAt(LaneMath<TLanes>.GeluTanh(LoadAt(x, i, d, 0f)), y, i, d);
        }
    }

    private static void GeluErf(float* x, int d, float* y)
    {
        for (int i = 0; i < d; i += Lanes)
        {
            StoreAt(LaneMath<TLanes>.GeluErf(LoadAt(x, i, d, 0f)), y, i, d);
        }
    }

    private static void Relu(float* x, int d, float* y)
    {
        for (int i = 0; i < d; i += Lanes)
        {
            StoreAt(TLanes.Max(TLanes.Zero, LoadAt(x, i, d, 0f)), y, i, d);
        }
    }

    private static void Add(float* x, int d, float* y)
    {
        for (int i = 0; i < d; i += Lanes)
        {
            StoreAt(TLanes.Add(LoadAt(y, i, d, 0f), LoadAt(x, i, d, 0f)), y, i, d);
        }
    }
}
