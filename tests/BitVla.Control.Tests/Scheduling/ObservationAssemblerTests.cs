using BitVla.Control.Scheduling;
using BitVla.TestKit;

namespace BitVla.Control.Tests.Scheduling;

public sealed class ObservationAssemblerTests : IDisposable
{
    private static readonly byte[] Picture = [1, 2, 3];

    private readonly ScriptedClock clock = new();
    private readonly LatestSlot<AssembledObservation> slot = new();
    private readonly ObservationAssembler assembler;

    public ObservationAssemblerTests() => assembler = Create(["front", "wrist"], 2);

    public void Dispose() => slot.Dispose();

    [Fact]
    public void Observation_AllParts_CarriesNewestOfEach()
    {
        Assert.Equal(OfferOutcome.Kept, Image("front", 10, 7));
        Assert.Equal(OfferOutcome.Kept, Image("wrist", 20, 8));
        Assert.Equal(OfferOutcome.Completed, Proprio([0.5, -0.5], 0, 9));
        var observation = slot.TryTake()!;
        Assert.Equal(["front", "wrist"], observation.Images.Select(i => i.Camera));
        Assert.Equal([0.5, -0.5], observation.Proprio.ToArray());
        Assert.Equal(9u, observation.Sequence);
        Assert.Equal(Milliseconds(20), observation.Skew);
        Assert.Equal(Milliseconds(20), Now - observation.CaptureTime);
        Assert.True(observation.AgeGiven);
    }

    [Fact]
    public void Observation_OrderOfArrival_DoesNotMatter()
    {
        Proprio([1, 2], 0, 1);
        Image("wrist", 0, 1);
        Assert.Equal(OfferOutcome.Completed, Image("front", 0, 1));
        Assert.Equal(["front", "wrist"], slot.TryTake()!.Images.Select(i => i.Camera));
    }

    [Theory]
    [InlineData(100, OfferOutcome.Completed)]
    [InlineData(101, OfferOutcome.Kept)]
    public void Observation_SkewAtAndBeyondTheLimit_IsTakenAndNot(int apartMs, OfferOutcome expected)
    {
        Image("front", 0, 1);
        Image("wrist", 0, 1);
        clock.Advance(Milliseconds(apartMs));
        Assert.Equal(expected, Proprio([1, 2], 0, 1));
    }

    [Fact]
    public void Observation_LatePictureReplaced_MeetsTheSkewAgain()
    {
        Image("front", 0, 1);
        clock.Advance(Milliseconds(150));
        Image("wrist", 0, 1);
        Assert.Equal(OfferOutcome.Kept, Proprio([1, 2], 0, 1));
        Assert.Equal(OfferOutcome.Completed, Image("front", 0, 2));
    }

    [Fact]
    public void Observation_SenderAge_MovesTheCaptureNotTheSendersClock()
    {
        Image("front", 0, 1);
        Image("wrist", 0, 1);
        clock.StepWallClock(TimeSpan.FromHours(-5));
        clock.Advance(Milliseconds(200));
        Assert.Equal(OfferOutcome.Completed, Proprio([1, 2], 150, 1));
        Assert.Equal(Milliseconds(50), slot.TryTake()!.Skew);
    }

    [Theory]
    [InlineData(500, OfferOutcome.Kept)]
    [InlineData(501, OfferOutcome.TooOld)]
    public void Part_AgeAtAndBeyondTheLimit_IsKeptAndNot(int ageMs, OfferOutcome expected) => Assert.Equal(expected, Image("front", ageMs, 1));

    [Fact]
    public void Part_OvertakenByTime_MakesNoObservation()
    {
        Image("front", 450, 1);
        Image("wrist", 450, 1);
        clock.Advance(Milliseconds(51));
        Assert.Equal(OfferOutcome.Kept, Proprio([1, 2], 460, 1));
        Assert.Null(slot.TryTake());
    }

    [Fact]
    public void Part_WithoutAge_CountsFromArrivalAndIsFlagged()
    {
        assembler.OfferImage("front", Picture, new SenderStamp(null, null));
        Image("wrist", 0, 1);
        Proprio([1, 2], 0, null);
        var observation = slot.TryTake()!;
        Assert.False(observation.AgeGiven);
        Assert.Equal(Now, observation.CaptureTime);
        Assert.Equal(1u, observation.Sequence);
    }

    [Fact]
    public void Part_OlderCaptureThanTheOneHere_IsNotKept()
    {
        Image("front", 10, 2);
        Assert.Equal(OfferOutcome.OutOfOrder, Image("front", 11, 1));
    }

    [Fact]
    public void Part_Used_EntersNoSecondObservation()
    {
        Complete();
        Assert.NotNull(slot.TryTake());
        Assert.Equal(OfferOutcome.Kept, Proprio([1, 2], 0, 2));
        Assert.Equal(OfferOutcome.Kept, Image("front", 0, 2));
        Assert.Equal(OfferOutcome.Completed, Image("wrist", 0, 2));
    }

    [Fact]
    public void Slot_SecondObservation_ReplacesTheOneThatWaits()
    {
        Complete(1);
        Image("front", 0, 2);
        Image("wrist", 0, 2);
        Assert.Equal(OfferOutcome.Replaced, Proprio([1, 2], 0, 2));
        Assert.Equal(2u, slot.TryTake()!.Sequence);
        Assert.Null(slot.TryTake());
    }

    [Fact]
    public void Observation_WaitedTooLong_IsNotTimely()
    {
        Complete();
        var observation = slot.TryTake()!;
        clock.Advance(Milliseconds(500));
        Assert.True(assembler.IsTimely(observation));
        clock.Advance(Milliseconds(1));
        Assert.False(assembler.IsTimely(observation));
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void Proprio_NotFinite_MakesNoObservationNorDoesTheOneBefore(double value)
    {
        Proprio([1, 2], 0, 1);
        Assert.Equal(OfferOutcome.NotFinite, Proprio([1, value], 0, 2));
        Image("front", 0, 1);
        Assert.Equal(OfferOutcome.Kept, Image("wrist", 0, 1));
        clock.Advance(Milliseconds(3001));
        Assert.Contains("PROPRIO_NOT_FINITE", assembler.Reasons());
    }

    [Fact]
    public void Proprio_WrongLength_IsNotKept() => Assert.Equal(OfferOutcome.WrongLength, Proprio([1], 0, 1));

    [Fact]
    public void Image_OfNoCameraOfTheModel_IsNotKept() => Assert.Equal(OfferOutcome.UnknownSource, Image("belly", 0, 1));

    [Fact]
    public void Proprio_ModelWithoutState_IsNotKeptAndNotNeeded()
    {
        var blind = Create(["front"], 0);
        Assert.Equal(OfferOutcome.UnknownSource, blind.OfferProprio(new double[] { 1 }, default));
        Assert.Equal(OfferOutcome.Completed, blind.OfferImage("front", Picture, new SenderStamp(TimeSpan.Zero, 4)));
        Assert.Equal(4u, slot.TryTake()!.Sequence);
    }

    [Fact]
    public void Reasons_CameraMissing_AreGivenAfterThePatience()
    {
        clock.Advance(Milliseconds(3000));
        Assert.Empty(assembler.Reasons());
        Image("front", 0, 1);
        Proprio([1, 2], 0, 1);
        clock.Advance(Milliseconds(1));
        Assert.Equal(["CAMERA_MISSING:wrist"], assembler.Reasons());
    }

    [Fact]
    public void Reasons_CameraStaleAndSkew_AreNamed()
    {
        clock.Advance(Milliseconds(3001));
        Image("front", 0, 1);
        Image("wrist", 501, 1);
        Assert.Equal(["CAMERA_STALE:wrist", "PROPRIO_MISSING"], assembler.Reasons());
        Image("wrist", 101, 2);
        Proprio([1, 2], 0, 1);
        Assert.Equal(["SKEW"], assembler.Reasons());
    }

    [Fact]
    public void Reasons_AfterAnObservation_AreEmpty()
    {
        clock.Advance(Milliseconds(3001));
        Complete();
        Assert.Empty(assembler.Reasons());
    }

    [Fact]
    public void Forget_WhatCame_EntersNoObservation()
    {
        Image("front", 0, 1);
        Image("wrist", 0, 1);
        assembler.Forget();
        Assert.Equal(OfferOutcome.Kept, Proprio([1, 2], 0, 1));
        Image("front", 0, 2);
        Image("wrist", 0, 2);
        assembler.Forget();
        Assert.Null(slot.TryTake());
    }

    [Fact]
    public void Slot_Cancelled_StopsWaiting()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => slot.Take(cancelled.Token));
    }

    private static TimeSpan Milliseconds(int count) => TimeSpan.FromMilliseconds(count);

    private TimeSpan Now => clock.GetElapsedTime(0);

    private ObservationAssembler Create(string[] cameras, int proprioDim) =>
        new(new ObservationRules(cameras, proprioDim, Milliseconds(100), Milliseconds(500), Milliseconds(3000)), clock, slot);

    private OfferOutcome Image(string camera, int ageMs, uint? sequence) =>
        assembler.OfferImage(camera, Picture, new SenderStamp(Milliseconds(ageMs), sequence));

    private OfferOutcome Proprio(double[] values, int ageMs, uint? sequence) =>
        assembler.OfferProprio(values, new SenderStamp(Milliseconds(ageMs), sequence));

    private void Complete(uint sequence = 1)
    {
        Image("front", 0, sequence);
        Image("wrist", 0, sequence);
        Proprio([1, 2], 0, sequence);
    }
}
