using BitVla.Kernels.Elementwise;

namespace BitVla.Model.Language;

/// <summary>Cosine and sine tables [positions, headDim/2] of the rotary position embedding.</summary>
/// <remarks>
/// Numerics: in double by our own polynomials, rounded to float32 where the authors' float32 run rounds: exponent, power, inverse
/// frequency, angle, cosine and sine. One ulp of an inverse frequency would be 4e-5 rad at position 650.
/// Source: BitNetRotaryEmbedding, modeling_bitnet.py; BITVLA.md section 5.
/// </remarks>
internal sealed unsafe class RotaryEmbedding
{
    public RotaryEmbedding(int positions, int headDim, float theta, Arena arena)
    {
        int half = headDim / 2;
        Cos = arena.Place<float>((long)positions * half);
        Sin = arena.Place<float>((long)positions * half);
        if (Cos == null)
        {
            return;
        }

        for (int i = 0; i < half; i++)
        {
            float frequency = InverseFrequency(i, headDim, theta);
            for (int position = 0; position < positions; position++)
            {
                double angle = (float)(position * frequency);
                Cos[position * half + i] = (float)PortableMath.Cos(angle);
                Sin[position * half + i] = (float)PortableMath.Sin(angle);
            }
        }
    }

    public float* Cos { get; }

    public float* Sin { get; }

    /// <summary>θ^(-2i/d) as float32 arithmetic gives it.</summary>
    public static float InverseFrequency(int i, int headDim, float theta) => 1f / (float)PortableMath.Pow(theta, (float)(2 * i) / headDim);
}
