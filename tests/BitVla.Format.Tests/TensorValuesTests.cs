using System.Runtime.InteropServices;

namespace BitVla.Format.Tests;

public class TensorValuesTests
{
    private static readonly float[] Extremes = [0f, -0f, 1f, float.MaxValue, float.MinValue, float.Epsilon, -float.Epsilon];

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Float32_BadValueAtAnyPlace_IsFoundThere(float bad)
    {
        for (int place = 0; place < 13; place++)
        {
            var values = Enumerable.Range(0, 13).Select(i => Extremes[i % Extremes.Length]).ToArray();
            Assert.Equal(-1, TensorValues.IndexOfNonFiniteFloat32(MemoryMarshal.AsBytes<float>(values)));
            values[place] = bad;
            Assert.Equal(4 * place, TensorValues.IndexOfNonFiniteFloat32(MemoryMarshal.AsBytes<float>(values)));
        }
    }

    [Fact]
    public void BFloat16_EveryBitPattern_IsJudgedAsFloat32Would()
    {
        var one = new ushort[5];
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            int place = bits % one.Length;
            Array.Clear(one);
            one[place] = (ushort)bits;
            int expected = float.IsFinite(BitConverter.Int32BitsToSingle(bits << 16)) ? -1 : 2 * place;
            Assert.Equal(expected, TensorValues.IndexOfNonFiniteBFloat16(MemoryMarshal.AsBytes<ushort>(one)));
        }
    }

    [Fact]
    public void Code_EveryByteAtEveryPlace_IsLegalUpTo80()
    {
        var codes = new byte[19];
        for (int value = 0; value < 256; value++)
        {
            for (int place = 0; place < codes.Length; place++)
            {
                Array.Fill(codes, (byte)80);
                codes[place] = (byte)value;
                Assert.Equal(value <= 80 ? -1 : place, TensorValues.IndexOfIllegalCode(codes));
            }
        }
    }
}
