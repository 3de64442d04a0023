using System.Text;
using System.Text.Json;
using BitVla.Transport.Wire;

namespace BitVla.Transport.Tests.Wire;

public sealed class WireTablesTests
{
    public static TheoryData<string, WireEncoding, WireEncoding> Trips
    {
        get
        {
            var data = new TheoryData<string, WireEncoding, WireEncoding>();
            foreach (string name in WireSamples.RoundTrips.Keys)
            {
                data.Add(name, WireEncoding.Json, WireEncoding.Json);
                data.Add(name, WireEncoding.Cbor, WireEncoding.Json);
                data.Add(name, WireEncoding.Json, WireEncoding.Cbor);
            }

            return data;
        }
    }

    public static TheoryData<string> Names => [.. WireSamples.RoundTrips.Keys];

    [Theory]
    [MemberData(nameof(Trips))]
    public void Message_ThroughAnEncoding_ComesBackWhole(string name, WireEncoding by, WireEncoding shown)
    {
        var (first, again) = WireSamples.RoundTrips[name](by, shown);
        Assert.Equal(Convert.ToHexString(first), Convert.ToHexString(again));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Message_InJson_IsWhatItsSchemaSays(string name)
    {
        using var payload = JsonDocument.Parse(WireSamples.RoundTrips[name](WireEncoding.Json, WireEncoding.Json).First);
        using var schema = JsonDocument.Parse(Table(name).Schema());
        Assert.Null(SchemaCheck.Complaint(schema.RootElement, payload.RootElement, name));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Schema_AMessageWithoutARequiredField_DoesNotFit(string name)
    {
        using var schema = JsonDocument.Parse(Table(name).Schema());
        using var payload = JsonDocument.Parse("{}");
        Assert.Equal(Table(name).Fields.Any(field => field.Required), SchemaCheck.Complaint(schema.RootElement, payload.RootElement, name) is not null);
    }

    [Fact]
    public void Samples_FullOnes_UseEveryField()
    {
        foreach (WireTable table in WireTables.All)
        {
            using var payload = JsonDocument.Parse(WireSamples.RoundTrips[table.Name](WireEncoding.Json, WireEncoding.Json).First);
            Assert.Equal(table.Fields.Select(field => field.Name), payload.RootElement.EnumerateObject().Select(property => property.Name));
        }
    }

    [Fact]
    public void Chunk_InJson_ReadsAsTheConventionSays()
    {
        string json = Encoding.UTF8.GetString(WireTables.Chunk.Encode(WireSamples.Chunk with { Units = [WireWords.PolicyUnits] }, WireEncoding.Json));
        Assert.StartsWith(
            """{"v":1,"session":41,"seq":4294967295,"chunk_id":"01KAQ2ZZZZZZZZZZZZZZZZZZZZ","obs_seq":5533,"t_obs_us":1795384837120000,""", json, StringComparison.Ordinal);
        Assert.Contains(""","units":"policy","grip":"open1_closed0","mode":"replace","instr":3,"flags":["underrun","shadow"],""", json, StringComparison.Ordinal);
        Assert.EndsWith("\"actions\":[[0.012,-0.004,0],[1E-300,-1.5,0.3333333333333333]]}", json, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void Chunk_WithANumberThatIsNotFinite_DoesNotLeave(double bad)
    {
        foreach (WireEncoding encoding in Enum.GetValues<WireEncoding>())
        {
            var action = Assert.Throws<WireException>(
                () => WireTables.Chunk.Encode(WireSamples.Chunk with { Actions = new[] { 0, 0, 0, 0, bad, 0 } }, encoding));
            Assert.Equal((WireCodes.NonFinite, "actions[1][1]"), (action.Code, action.Field));
            var latency = Assert.Throws<WireException>(() => WireTables.Chunk.Encode(WireSamples.Chunk with { Latency = new(1, Vision: bad) }, encoding));
            Assert.Equal((WireCodes.NonFinite, "lat.vis"), (latency.Code, latency.Field));
        }
    }

    [Fact]
    public void Chunk_WithWrongDimensionsOrWords_DoesNotLeave()
    {
        Assert.Equal("actions", Refused(WireSamples.Chunk with { ChunkLength = 3 }));
        Assert.Equal("space", Refused(WireSamples.Chunk with { Space = "elsewhere" }));
        Assert.Equal("flags[0]", Refused(WireSamples.Chunk with { Flags = ["fine"] }));
        Assert.Equal("v", Refused(WireSamples.Chunk with { Version = 2 }));

        static string Refused(ChunkMessage message) => Assert.Throws<WireException>(() => WireTables.Chunk.Encode(message, WireEncoding.Json)).Field;
    }

    [Fact]
    public void SchemaHash_IsOneOfAllSchemas() => Assert.Matches("^[0-9a-f]{16}$", WireTables.SchemaHash);

    private static WireTable Table(string sample) => WireTables.All.Single(table => table.Name == sample.Split(',')[0]);
}
