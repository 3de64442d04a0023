using System.Numerics;

namespace BitVla.Parity.Tests;

/// <summary>How far values lie from a golden.</summary>
/// <param name="Rms">Root mean square of the difference.</param>
/// <param name="Max">Largest magnitude of the difference.</param>
/// <param name="RmsReference">Root mean square of the golden.</param>
public readonly record struct Deviation(double Rms, double Max, double RmsReference)
{
    public double Relative => Rms / RmsReference;

    public static Deviation Of(float[] actual, float[] golden) => Of(actual.AsSpan(), golden.AsSpan());

    public static Deviation Of(ReadOnlySpan<float> actual, ReadOnlySpan<float> golden) => OfAny(actual, golden);

    public static Deviation Of(ReadOnlySpan<double> actual, ReadOnlySpan<double> golden) => OfAny(actual, golden);

    /// <summary>Largest difference of a row, as a part of the golden row's largest magnitude; the worst row's.</summary>
    public static double OfLargestInRow(ReadOnlySpan<float> actual, ReadOnlySpan<float> golden, int columns)
    {
        Assert.Equal(golden.Length, actual.Length);
        double worst = 0.0;
        for (int start = 0; start < golden.Length; start += columns)
        {
            double difference = 0.0, largest = 0.0;
            for (int i = start; i < start + columns; i++)
            {
                difference = Math.Max(difference, Math.Abs((double)actual[i] - golden[i]));
                largest = Math.Max(largest, Math.Abs((double)golden[i]));
            }

            double part = difference == 0.0 ? 0.0 : difference / largest;
            worst = part > worst || double.IsNaN(part) ? part : worst;
        }

        return worst;
    }

    private static Deviation OfAny<T>(ReadOnlySpan<T> actual, ReadOnlySpan<T> golden)
        where T : INumber<T>
    {
        Assert.Equal(golden.Length, actual.Length);
        double square = 0.0, max = 0.0, reference = 0.0;
        for (int i = 0; i < golden.Length; i++)
        {
            double right = double.CreateChecked(golden[i]);
            double difference = Math.Abs(double.CreateChecked(actual[i]) - right);
            square += difference * difference;
            max = difference > max || double.IsNaN(difference) ? difference : max;
            reference += right * right;
        }

        return new Deviation(Math.Sqrt(square / golden.Length), max, Math.Sqrt(reference / golden.Length));
    }
}
