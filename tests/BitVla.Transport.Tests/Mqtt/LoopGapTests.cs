using BitVla.TestKit;
using BitVla.Transport.Mqtt;

namespace BitVla.Transport.Tests.Mqtt;

public sealed class LoopGapTests
{
    private readonly ScriptedClock clock = new();
    private readonly LoopGap gap;

    public LoopGapTests() => gap = new LoopGap(clock);

    [Fact]
    public void Messages_WhileTheLoopBeats_DidNotWait()
    {
        for (int i = 0; i < 20; i++)
        {
            clock.Advance(LoopGap.Period);
            Assert.Null(gap.Beat());
            Assert.False(gap.Receive(out TimeSpan? found));
            Assert.Null(found);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Gap_WhoeverNoticesFirst_OpensUntilItsBarrierIsBack(bool timerFirst)
    {
        clock.Advance(TimeSpan.FromSeconds(5));
        TimeSpan? found;
        if (timerFirst)
        {
            found = gap.Beat();
        }
        else
        {
            Assert.True(gap.Receive(out found));
        }

        Assert.Equal(TimeSpan.FromSeconds(5), found);
        Assert.Null(gap.Beat());
        Assert.True(gap.Receive(out _));
        gap.Passed(gap.Barrier - 1);
        Assert.True(gap.Receive(out _));
        gap.Passed(gap.Barrier);
        Assert.False(gap.Open);

        // What lay in another client's socket may come behind the barrier.
        Assert.True(gap.Receive(out _));
        for (TimeSpan waited = TimeSpan.Zero; waited < LoopGap.Quarantine; waited += LoopGap.Period)
        {
            Assert.True(gap.Receive(out _));
            clock.Advance(LoopGap.Period);
            Assert.Null(gap.Beat());
        }

        Assert.False(gap.Receive(out _));
        Assert.Equal(1, gap.Count);
    }

    [Fact]
    public void Gap_SecondOneBeforeTheBarrier_NeedsItsOwn()
    {
        clock.Advance(TimeSpan.FromSeconds(1));
        gap.Beat();
        long first = gap.Barrier;
        clock.Advance(TimeSpan.FromSeconds(1));
        gap.Beat();
        gap.Passed(first);
        Assert.True(gap.Open);
        gap.Passed(gap.Barrier);
        Assert.False(gap.Open);
    }

    [Fact]
    public void Silence_ExactlyAtTheThreshold_IsNone()
    {
        clock.Advance(LoopGap.Threshold);
        Assert.Null(gap.Beat());
        clock.Advance(LoopGap.Threshold + TimeSpan.FromMilliseconds(1));
        Assert.NotNull(gap.Beat());
    }

    [Fact]
    public void Connection_New_StartsWithoutAGap()
    {
        clock.Advance(TimeSpan.FromSeconds(9));
        gap.Reset();
        Assert.False(gap.Receive(out TimeSpan? found));
        Assert.Null(found);
    }
}
