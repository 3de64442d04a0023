using BitVla.Control.Scheduling;

namespace BitVla.Control.Tests.Scheduling;

public sealed class SynchronousPlanTests
{
    // age, ttl, seconds of expiry, timely
    [Theory]
    [InlineData(2750, 3200, 1, true)]
    [InlineData(0, 3000, 3, true)]
    [InlineData(1, 3002, 4, true)]
    [InlineData(3200, 3200, 1, false)]
    [InlineData(9000, 3200, 1, false)]
    public void Plan_AgeAndTtl_GiveExpiryRoundedUp(int ageMs, int ttlMs, uint seconds, bool timely)
    {
        var capture = TimeSpan.FromMinutes(7);
        var plan = SynchronousPlan.At(capture, capture + TimeSpan.FromMilliseconds(ageMs), TimeSpan.FromMilliseconds(ttlMs));
        Assert.Equal(0, plan.Start);
        Assert.Equal(TimeSpan.FromMilliseconds(ageMs), plan.Age);
        Assert.Equal(seconds, plan.ExpirySeconds);
        Assert.Equal(timely, plan.IsTimely);
    }
}
