using BitVla.TestKit;
using BitVla.Transport.Mqtt;
using BitVla.Transport.Wire;

namespace BitVla.Transport.Tests.Mqtt;

public sealed class RobotClaimTests
{
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(300);

    private readonly ScriptedClock clock = new();
    private readonly RobotClaim early;
    private readonly RobotClaim late;

    public RobotClaimTests() => (early, late) = (new("01A", Window, clock), new("01B", Window, clock));

    [Fact]
    public void Name_NobodyObjects_IsOursAfterTheWindow()
    {
        early.Begin();
        clock.Advance(Window - TimeSpan.FromMilliseconds(1));
        Assert.Equal(ClaimVerdict.Wait, early.Decide());
        clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(ClaimVerdict.Free, early.Decide());
        Assert.True(early.Holding);
    }

    [Fact]
    public void Name_HeldByALaterDaemon_IsNotTakenByAnEarlierOne()
    {
        Hold(late);
        ClaimMessage answer = late.OnClaim(early.Begin())!;
        Assert.Equal(new ClaimMessage(ClaimMessage.Held, "01B"), answer);
        Assert.Null(early.OnClaim(answer));
        Assert.Equal((ClaimVerdict.Taken, "01B", true), (early.Decide(), early.Winner, late.Holding));
    }

    [Fact]
    public void Name_TwoAskAtOnce_GoesToTheEarlier()
    {
        ClaimMessage first = late.Begin();
        ClaimMessage second = early.Begin();
        ClaimMessage answer = early.OnClaim(first)!;
        Assert.Null(late.OnClaim(second));
        Assert.Null(late.OnClaim(answer));
        clock.Advance(Window);
        Assert.Equal((ClaimVerdict.Free, ClaimVerdict.Taken), (early.Decide(), late.Decide()));
    }

    [Fact]
    public void Name_StatusSaysAnotherIsOnline_WaitsForItsWill()
    {
        early.Begin();
        early.OnStatus(new(StatusMessage.Online, 1, "0ZZ", 0));
        clock.Advance(Window);
        Assert.Equal(ClaimVerdict.Wait, early.Decide());
        early.OnStatus(new(StatusMessage.Offline, 1, "0ZZ", 0));
        Assert.Equal(ClaimVerdict.Free, early.Decide());
    }

    [Fact]
    public void Name_StatusOfADaemonLongGone_DoesNotBlockForEver()
    {
        early.Begin();
        early.OnStatus(new(StatusMessage.Online, 1, "0ZZ", 0));
        clock.Advance(RobotClaim.SilentHolder);
        Assert.Equal(ClaimVerdict.Free, early.Decide());
    }

    [Fact]
    public void Name_OwnStatusFromBeforeTheBrokerFell_IsNoObstacle()
    {
        early.Begin();
        early.OnStatus(new(StatusMessage.Online, 1, "01A", 0));
        clock.Advance(Window);
        Assert.Equal(ClaimVerdict.Free, early.Decide());
    }

    [Fact]
    public void Name_AfterARefusal_IsAskedForLonger()
    {
        late.Begin();
        late.OnClaim(new(ClaimMessage.Held, "01A"));
        late.Begin();
        clock.Advance(Window);
        Assert.Equal(ClaimVerdict.Wait, late.Decide());
        clock.Advance(RobotClaim.AfterRefusal - Window);
        Assert.Equal(ClaimVerdict.Free, late.Decide());
    }

    [Fact]
    public void Name_TwoHolders_TheLaterGivesWay()
    {
        Hold(early);
        Hold(late);
        early.OnClaim(new(ClaimMessage.Held, "01B"));
        late.OnClaim(new(ClaimMessage.Held, "01A"));
        Assert.Equal((true, false), (early.Holding, late.Holding));
    }

    private void Hold(RobotClaim claim)
    {
        claim.Begin();
        clock.Advance(Window);
        Assert.Equal(ClaimVerdict.Free, claim.Decide());
    }
}
