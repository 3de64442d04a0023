using System.Text;
using BitVla.Transport.Wire;

namespace BitVla.Transport.Tests.Wire;

public sealed class InboundPayloadTests
{
    private const int FuzzedPayloads = 20_000;

    // payload, code, field
    public static TheoryData<string, string, string> BadProprio => new()
    {
        { "", WireCodes.Malformed, "payload" },
        { "{", WireCodes.Malformed, "payload" },
        { "null", WireCodes.Type, "payload" },
        { "[]", WireCodes.Type, "payload" },
        { """{"seq":1,"values":[1]} x""", WireCodes.Malformed, "payload" },
        { """{"seq":1,"values":[1]}{}""", WireCodes.Malformed, "payload" },
        { """{"seq":1,"values":[1],}""", WireCodes.Malformed, "payload" },
        { """{"seq":1,"seq":1,"values":[1]}""", WireCodes.Malformed, "\"seq\"" },
        { """{"seq":1,"values":[1],"x":{"y":1,"y":2}}""", WireCodes.Malformed, "\"y\"" },
        { """{"seq":1,"values":[1],"x":[[[[[[[[[1]]]]]]]]]}""", WireCodes.Malformed, "payload" },
        { "{\"seq\":1,\"values\":[1],\"x\":\"\\ud800\"}", WireCodes.Malformed, "payload" },
        { """{"values":[1]}""", WireCodes.Missing, "seq" },
        { """{"seq":1}""", WireCodes.Missing, "values" },
        { """{"seq":1,"values":null}""", WireCodes.Missing, "values" },
        { """{"seq":"1","values":[1]}""", WireCodes.Type, "seq" },
        { """{"seq":1.5,"values":[1]}""", WireCodes.Type, "seq" },
        { """{"seq":-1,"values":[1]}""", WireCodes.Range, "seq" },
        { """{"seq":4294967296,"values":[1]}""", WireCodes.Range, "seq" },
        { """{"seq":1,"values":1}""", WireCodes.Type, "values" },
        { """{"seq":1,"values":["1"]}""", WireCodes.Type, "values[0]" },
        { """{"seq":1,"values":[1,true]}""", WireCodes.Type, "values[1]" },
        { """{"seq":1,"values":[1,null]}""", WireCodes.Type, "values[1]" },
        { """{"seq":1,"values":[NaN]}""", WireCodes.NonFinite, "payload" },
        { """{"seq":1,"values":[1, -Infinity]}""", WireCodes.NonFinite, "payload" },
        { """{"seq":1,"values":[1e999]}""", WireCodes.NonFinite, "payload" },
        { """{"seq":1,"values":[1],"age_us":-3}""", WireCodes.Range, "age_us" },
        { """{"seq":1,"values":[1],"names":[1]}""", WireCodes.Type, "names[0]" },
    };

    [Theory]
    [MemberData(nameof(BadProprio))]
    public void Proprio_BadJson_IsRefusedByCodeAndField(string payload, string code, string field)
    {
        var e = Assert.Throws<WireException>(() => ProprioMessage.Parse(Encoding.UTF8.GetBytes(payload), null));
        Assert.Equal((code, field), (e.Code, e.Field));
    }

    [Theory]
    [InlineData("A263736571016676616C75657381F97E00", WireCodes.NonFinite)] // {"seq": 1, "values": [NaN, half]}
    [InlineData("A263736571016676616C75657381FB7FF0000000000000", WireCodes.NonFinite)] // infinity, double
    [InlineData("A363736571016373657101 6676616C75657380", WireCodes.Malformed)] // seq twice
    [InlineData("A263736571016676616C7565739B7FFFFFFFFFFFFFFF", WireCodes.Malformed)] // a list that says it has 2^63 entries
    [InlineData("A1014101", WireCodes.Malformed)] // a key that is a number
    [InlineData("A2637365714101 6676616C75657380", WireCodes.Malformed)] // a byte string
    [InlineData("C1A2637365710166 76616C75657380", WireCodes.Malformed)] // a tag
    [InlineData("A2637365713BFFFFFFFFFFFFFFFF6676616C75657380", WireCodes.Malformed)] // -2^64
    [InlineData("A2637365710166 76616C7565738000", WireCodes.Malformed)] // a byte too many
    [InlineData("818181818181818181818100", WireCodes.Malformed)] // too deep
    [InlineData("A26373657161C366 76616C75657380", WireCodes.Malformed)] // not UTF-8
    public void Proprio_BadCbor_IsRefusedByCode(string hex, string code)
    {
        byte[] payload = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal(code, Assert.Throws<WireException>(() => ProprioMessage.Parse(payload, WireContent.Cbor)).Code);
    }

    [Fact]
    public void Proprio_UnknownKeysAndOtherFloats_AreTaken()
    {
        ProprioMessage json = ProprioMessage.Parse("""{"later":{"a":[1,2]},"seq":7,"values":[1,2.5,-0.0]}"""u8, "application/json; charset=utf-8");
        Assert.Equal((7u, (uint?)null), (json.Sequence, json.AgeUs));
        Assert.Equal([1, 2.5, -0.0], json.Values.ToArray());
        Assert.True(double.IsNegative(json.Values.Span[2]));
        // {"seq": 1, "values": [1.5 half, 1.5 single, 3]} with an endless list
        ProprioMessage cbor = ProprioMessage.Parse(Convert.FromHexString("A2637365710166" + "76616C756573" + "9FF93E00FA3FC0000003FF"), WireContent.Cbor);
        Assert.Equal([1.5, 1.5, 3], cbor.Values.ToArray());
    }

    [Fact]
    public void Proprio_TooManyBytes_IsRefusedBeforeItIsRead()
    {
        byte[] payload = new byte[WireLimits.ProprioBytes + 1];
        var e = Assert.Throws<WireException>(() => ProprioMessage.Parse(payload, null));
        Assert.Equal((WireCodes.TooLarge, $"{payload.Length}"), (e.Code, e.Found));
    }

    [Fact]
    public void Proprio_TooManyNumbersOrKeys_IsRefused()
    {
        string numbers = string.Join(',', Enumerable.Repeat("1", WireLimits.ProprioValues + 1));
        Assert.Equal("values", Assert.Throws<WireException>(() => ProprioMessage.Parse(Encoding.UTF8.GetBytes($$"""{"seq":1,"values":[{{numbers}}]}"""), null)).Field);
        string keys = string.Join(',', Enumerable.Range(0, WireLimits.Keys + 1).Select(i => $"\"k{i}\":0"));
        Assert.Equal(WireCodes.TooLarge, Assert.Throws<WireException>(() => ProprioMessage.Parse(Encoding.UTF8.GetBytes($$"""{{{keys}}}"""), null)).Code);
    }

    [Fact]
    public void Proprio_UnknownContentType_IsRefused() =>
        Assert.Equal(WireCodes.ContentType, Assert.Throws<WireException>(() => ProprioMessage.Parse("{}"u8, "text/plain")).Code);

    [Fact]
    public void Command_WithoutABody_IsOneWithoutFields()
    {
        Assert.Equal("pause", CommandMessage.Parse("pause", [], null).Verb);
        var e = Assert.Throws<WireException>(() => CommandMessage.Parse(CommandMessage.Instruct, [], null));
        Assert.Equal((WireCodes.Missing, "instruction"), (e.Code, e.Field));
    }

    [Theory]
    [InlineData("""{"instruction":" "}""", WireCodes.Range)]
    [InlineData("""{"instruction":3}""", WireCodes.Type)]
    [InlineData("""{"instruction":"a","ttl_ms":1e3}""", WireCodes.Type)]
    public void Command_BadInstruct_IsRefused(string payload, string code) =>
        Assert.Equal(code, Assert.Throws<WireException>(() => CommandMessage.Parse(CommandMessage.Instruct, Encoding.UTF8.GetBytes(payload), null)).Code);

    [Fact]
    public void Command_InstructionTooLong_IsRefused()
    {
        string text = new('a', WireLimits.InstructionChars + 1);
        var e = Assert.Throws<WireException>(() => CommandMessage.Parse(CommandMessage.Instruct, Encoding.UTF8.GetBytes($$"""{"instruction":"{{text}}"}"""), null));
        Assert.Equal((WireCodes.TooLarge, "instruction"), (e.Code, e.Field));
    }

    // Goal: no bytes lead to anything but a message or a WireException, and a message that is taken is finite and within its limits.
    // Method: good payloads of each kind, mutated by chance with a literal seed, in both encodings.
    [Theory]
    [InlineData(WireEncoding.Json, 20260101)]
    [InlineData(WireEncoding.Cbor, 20260102)]
    public void Payloads_Fuzzed_AreTakenOrRefused(WireEncoding encoding, int seed)
    {
        var chance = new Random(seed);
        byte[][] good =
        [
            WireTables.Proprio.Encode(new() { Sequence = 1, AgeUs = 3, Values = new double[] { 0.5, -1e9, 3 }, Names = ["a", "b", "c"], Units = ["m", "m", "rad"] }, encoding),
            WireTables.Command.Encode(new() { Instruction = "pick up the cup", Token = "t", TtlMs = 2000 }, encoding),
            WireTables.Chunk.Encode(WireSamples.Chunk, encoding),
            WireTables.Status.Encode(new(StatusMessage.Online, 1, "01K", 5), encoding),
        ];
        int taken = 0;
        for (int i = 0; i < FuzzedPayloads; i++)
        {
            byte[] payload = Mutate(good[chance.Next(good.Length)], chance);
            taken += Try(() => Assert.All(WireTables.Proprio.Decode(payload, encoding).Values.ToArray(), value => Assert.True(double.IsFinite(value))))
                + Try(() => CommandMessage.Parse("instruct", payload, WireContent.Of(encoding)))
                + Try(() => CheckShape(WireTables.Chunk.Decode(payload, encoding)))
                + Try(() => WireTables.Status.Decode(payload, encoding))
                + Try(() => WireTables.Claim.Decode(payload, encoding));
        }

        Assert.InRange(taken, 1, FuzzedPayloads);
    }

    private static void CheckShape(ChunkMessage chunk) => Assert.Equal(chunk.ChunkLength * chunk.ActionDim, chunk.Actions.Length);

    private static int Try(Action read)
    {
        try
        {
            read();
            return 1;
        }
        catch (WireException e)
        {
            Assert.StartsWith("WIRE.", e.Code, StringComparison.Ordinal);
            return 0;
        }
    }

    private static byte[] Mutate(byte[] payload, Random chance)
    {
        List<byte> bytes = [.. payload];
        for (int edits = chance.Next(1, 6); edits > 0 && bytes.Count > 0; edits--)
        {
            int at = chance.Next(bytes.Count);
            switch (chance.Next(5))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << chance.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)chance.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(chance.Next(1, 9), bytes.Count - at));
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(0, chance.Next(Math.Min(bytes.Count, 20))));
                    break;
                default:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }

        return [.. bytes];
    }
}
