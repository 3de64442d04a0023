using BitVla.Transport.Wire;

namespace BitVla.Transport.Tests.Wire;

/// <summary>One full and one bare message of each kind.</summary>
internal static class WireSamples
{
    public static StageTimes Times { get; } = new(2741.25, 1.5, 12, 830.125, 1890, 7.5);

    public static ChunkMessage Chunk { get; } = new()
    {
        Session = 41,
        Sequence = uint.MaxValue,
        ChunkId = "01KAQ2ZZZZZZZZZZZZZZZZZZZZ",
        ObservationSequence = 5533,
        ObservedUs = 1795384837120000,
        PublishedUs = 1795384839870000,
        AgeUs = 2750000,
        TtlMs = 3200,
        StepMs = 50,
        Start = 1,
        ChunkLength = 2,
        ActionDim = 3,
        Space = WireWords.EefDelta,
        Frame = WireWords.RobotBase,
        Names = ["x", "y", "grip"],
        Units = ["m", "m", "ratio"],
        Grip = WireWords.GripOpen1Closed0,
        Instruction = 3,
        Flags = ["underrun", "shadow"],
        Model = "9f3c000000000000",
        Latency = Times,
        Actions = new double[] { 0.012, -0.004, 0, 1e-300, -1.5, 1.0 / 3 },
    };

    public static BirthMessage Birth { get; } = new()
    {
        Session = 41,
        Instance = "01KAQ2ZZZZZZZZZZZZZZZZZZZZ",
        TimeUs = 1,
        Version = "0.1.0",
        Model = "9f3c000000000000",
        ModelName = "tiny",
        Unnorm = "libero_spatial_no_noops",
        Kernel = "avx2",
        Threads = 2,
        ChunkLength = 8,
        ActionDim = 3,
        StepMs = 50,
        Space = WireWords.EefDelta,
        Frame = WireWords.RobotBase,
        Names = ["x", "y", "grip"],
        Units = [WireWords.PolicyUnits],
        Grip = WireWords.GripLibero,
        Limits = new(new double[] { -1, -1, 0 }, new double[] { 1, 1, 1 }),
        Cameras = ["front", "wrist"],
        ProprioDim = 8,
        Instruction = 3,
        InstructionText = "räume den roten Würfel auf",
        Content = WireContent.Json,
        Topics = ["bitvla/v1/arm/status"],
        Schema = WireTables.SchemaHash,
    };

    public static InferTelemetry Infer { get; } = new()
    {
        Session = 1,
        TimeUs = 2,
        Passes = 3,
        Failures = 4,
        Dropped = 5,
        Last = Times,
        Median = Times,
        Percentile95 = Times,
        IdleSeconds = 0.25,
        Kernel = "avx2",
        Threads = 2,
        Tokens = 577,
    };

    /// <summary>Encodes and decodes any of them, by name of the table.</summary>
    public static IReadOnlyDictionary<string, Func<WireEncoding, WireEncoding, (byte[] First, byte[] Again)>> RoundTrips { get; } =
        new Dictionary<string, Func<WireEncoding, WireEncoding, (byte[], byte[])>>
        {
            ["status"] = (by, shown) => Trip(WireTables.Status, new(StatusMessage.Online, 41, "01K", 1795384837120000), by, shown),
            ["birth"] = (by, shown) => Trip(WireTables.Birth, Birth, by, shown),
            ["birth, bare"] = (by, shown) => Trip(WireTables.Birth, Birth with { Limits = null, ModelName = null }, by, shown),
            ["state"] = (by, shown) => Trip(
                WireTables.State,
                new() { Session = 1, State = "SHADOW", SinceUs = 7, Reasons = ["CAMERA_STALE:front"], ArmedBy = "me", EmergencyStop = new(true, "me", 5), Instruction = 0 },
                by,
                shown),
            ["state, bare"] = (by, shown) => Trip(WireTables.State, new() { Session = 1, State = "SHADOW", SinceUs = 7, Reasons = [] }, by, shown),
            ["chunk"] = (by, shown) => Trip(WireTables.Chunk, Chunk, by, shown),
            ["chunk, bare"] = (by, shown) => Trip(
                WireTables.Chunk, Chunk with { Units = [WireWords.PolicyUnits], Flags = [], Latency = new(1), Mode = WireWords.Append }, by, shown),
            ["infer"] = (by, shown) => Trip(WireTables.Infer, Infer, by, shown),
            ["infer, bare"] = (by, shown) => Trip(
                WireTables.Infer, Infer with { Last = null, Median = null, Percentile95 = null, IdleSeconds = null }, by, shown),
            ["event"] = (by, shown) => Trip(
                WireTables.Event, new(5, 4, "CMD.RETAINED_REFUSED", "A retained command \"pause\" was refused.\n", new Dictionary<string, string> { ["verb"] = "pause" }), by, shown),
            ["event, bare"] = (by, shown) => Trip(WireTables.Event, new(5, 0, "X", ""), by, shown),
            ["reply"] = (by, shown) => Trip(WireTables.Reply, new(false, "ARM.REFUSED", ["a", "b"], "DISARMED"), by, shown),
            ["proprio"] = (by, shown) => Trip(
                WireTables.Proprio, new() { Sequence = 1, TimeUs = 2, AgeUs = 3, Values = new double[] { -0.0, 5e-324, double.MaxValue }, Names = ["a"], Units = ["rad"] }, by, shown),
            ["proprio, bare"] = (by, shown) => Trip(WireTables.Proprio, new() { Sequence = 0, Values = Array.Empty<double>() }, by, shown),
            ["command"] = (by, shown) => Trip(
                WireTables.Command, new() { Instruction = "pick up the cup", Token = "t", Reason = "demo", TimeUs = 1, TtlMs = 2000 }, by, shown),
            ["command, bare"] = (by, shown) => Trip(WireTables.Command, new(), by, shown),
            ["claim"] = (by, shown) => Trip(WireTables.Claim, new(ClaimMessage.Barrier, "01K", 7), by, shown),
        };

    // What was sent, and what came out of it, both shown in one encoding so that they can be compared.
    private static (byte[] First, byte[] Again) Trip<T>(WireTable<T> table, T message, WireEncoding by, WireEncoding shown)
        where T : class => (table.Encode(message, shown), table.Encode(table.Decode(table.Encode(message, by), by), shown));
}
