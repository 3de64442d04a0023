namespace BitVla.Model;

/// <summary>Sees every value that crosses a doorway of the corridor; used by <c>--trace</c> and by the parity tests.</summary>
/// <remarks>Names and shapes are those of the reference goldens: row-major [rows, columns] whatever the inner layout.</remarks>
public abstract class DoorwayTrace
{
    /// <summary>Receives a doorway of float32 values.</summary>
    public abstract void Record(string doorway, ReadOnlySpan<float> values, int rows, int columns);

    /// <summary>Receives a doorway of float32 values that lie in a buffer of the pass, rows side by side.</summary>
    public unsafe void Record(string doorway, float* values, int rows, int columns) =>
        Record(doorway, new ReadOnlySpan<float>(values, checked(rows * columns)), rows, columns);

    /// <summary>Receives a doorway of float64 values.</summary>
    public abstract void Record(string doorway, ReadOnlySpan<double> values, int rows, int columns);
}
