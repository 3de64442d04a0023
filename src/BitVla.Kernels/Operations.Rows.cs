using BitVla.Kernels.Floats;

namespace BitVla.Kernels;

public sealed unsafe partial class Operations
{
    /// <summary>y = x · rsqrt(mean(x²) + eps) · weight, each row. y may be x.</summary>
    public void RmsNorm(float* x, nint xStride, int m, int d, float* weight, float eps, float* y, nint yStride, CancellationToken cancellation)
    {
        var task = new RowTask
        {
            Operation = RowOperation.RmsNorm, X = x, XStride = xStride, XRows = m, Columns = d,
            Weight = weight, Epsilon = eps, Y = y, YStride = yStride,
        };
        RunRows(task, m, cancellation);
    }

    /// <summary>y = (x - mean) / sqrt(variance + eps) · weight + bias, each row, biased variance. y may be x.</summary>
    public void LayerNorm(float* x, nint xStride, int m, int d, float* weight, float* bias, float eps, float* y, nint yStride, CancellationToken cancellation)
    {
        var task = new RowTask
        {
            Operation = RowOperation.LayerNorm, X = x, XStride = xStride, XRows = m, Columns = d,
            Weight = weight, Bias = bias, Epsilon = eps, Y = y, YStride = yStride,
        };
        RunRows(task, m, cancellation);
    }

    /// <summary>Absmax quantiser, each row of x [m, q.Columns]; q.Rows is m. Padding levels are zeroed.</summary>
    public void Quantize(float* x, nint xStride, in QuantizedActivations q, CancellationToken cancellation)
    {
        var task = new RowTask
        {
            Operation = RowOperation.Quantize, X = x, XStride = xStride, XRows = q.Rows, Columns = q.Columns, Quantized = q,
        };
        RunRows(task, q.Rows, cancellation);
    }

    /// <summary><see cref="RmsNorm"/> then <see cref="Quantize"/>, x left as it is.</summary>
    public void RmsNormQuantize(float* x, nint xStride, float* weight, float eps, in QuantizedActivations q, CancellationToken cancellation)
    {
        var task = new RowTask
        {
            Operation = RowOperation.RmsNormQuantize, X = x, XStride = xStride, XRows = q.Rows, Columns = q.Columns,
            Weight = weight, Epsilon = eps, Quantized = q,
        };
        RunRows(task, q.Rows, cancellation);
    }

    /// <summary><see cref="LayerNorm"/> then <see cref="Quantize"/>, x left as it is.</summary>
    public void LayerNormQuantize(float* x, nint xStride, float* weight, float* bias, float eps, in QuantizedActivations q, CancellationToken cancellation)
    {
        var task = new RowTask
        {
            Operation = RowOperation.LayerNormQuantize, X = x, XStride = xStride, XRows = q.Rows, Columns = q.Columns,
            Weight = weight, Bias = bias, Epsilon = eps, Quantized = q,
        };
        RunRows(task, q.Rows, cancellation);
    }

    /// <summary>f = relu(gate)² · up with gateUp [m, 2·I] = gate|up, then RmsNorm with the feed-forward sub-norm, then Quantize.</summary>
    /// <remarks>Numerics: fl(fl(g·g)·up), g = max(gate, 0).</remarks>
    public void SquaredReluGateNormQuantize(float* gateUp, nint stride, float* weight, float eps, in QuantizedActivations q, CancellationToken cancellation)
    {
        var task = new RowTask
        {
            Operation = RowOperation.GateNormQuantize, X = gateUp, XStride = stride, XRows = q.Rows, Columns = q.Columns,
            Weight = weight, Epsilon = eps, Quantized = q,
        };
        RunRows(task, q.Rows, cancellation);
    }

    /// <summary>tanh-GELU then Quantize, x left as it is.</summary>
    public void GeluTanhQuantize(float* x, nint xStride, in QuantizedActivations q, CancellationToken cancellation)
    {
        var task = new RowTask
        {
            Operation = RowOperation.GeluTanhQuantize, X = x, XStride = xStride, XRows = q.Rows, Columns = q.Columns, Quantized = q,
        };
        RunRows(task, q.Rows, cancellation);
    }

    /// <summary>0.5·x·(1 + tanh(sqrt(2/π)·(x + 0.044715·x³))) in place.</summary>
    public void GeluTanh(float* x, nint xStride, int m, int n, CancellationToken cancellation)
    {
        var task = new RowTask
        {
            Operation = RowOperation.GeluTanh, X = x, XStride = xStride, XRows = m, Columns = n, Y = x, YStride = xStride,
        };
        RunRows(task, m, cancellation);
    }

    /// <summary>0.5·x·(1 + erf(x/√2)) in place.</summary>
    public void GeluErf(float* x, nint xStride, int m, int n, CancellationToken cancellation)
    {
        var task = new RowTask
        {
            Operation = RowOperation.GeluErf, X = x, XStride = xStride, XRows = m, Columns = n, Y = x, YStride = xStride,
        };
        RunRows(task, m, cancellation);
    }

    /// <summary>max(x, 0) in place.</summary>
    public void Relu(float* x, nint xStride, int m, int n, CancellationToken cancellation)
    {
        var task = new RowTask
        {
            Operation = RowOperation.Relu, X = x, XStride = xStride, XRows = m, Columns = n, Y = x, YStride = xStride,
        };
        RunRows(task, m, cancellation);
    }

    /// <summary>y = fl(y + x), each row; x's row is i mod <paramref name="xRows"/> (position embeddings repeat per image).</summary>
    public void AddRows(float* x, nint xStride, int xRows, float* y, nint yStride, int m, int n, CancellationToken cancellation)
    {
        var task = new RowTask
        {
            Operation = RowOperation.AddRows, X = x, XStride = xStride, XRows = xRows, Columns = n, Y = y, YStride = yStride,
        };
        RunRows(task, m, cancellation);
    }
}
