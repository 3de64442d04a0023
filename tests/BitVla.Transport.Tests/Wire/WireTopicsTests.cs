using BitVla.Transport.Wire;

namespace BitVla.Transport.Tests.Wire;

public sealed class WireTopicsTests
{
    private readonly WireTopics topics = new("arm-1");

    [Theory]
    [InlineData("bitvla/v1/arm-1/obs/proprio", WireTopicKind.Proprio, "")]
    [InlineData("bitvla/v1/arm-1/obs/image/front", WireTopicKind.Image, "front")]
    [InlineData("bitvla/v1/arm-1/cmd/instruct", WireTopicKind.Command, "instruct")]
    [InlineData("bitvla/v1/arm-1/status", WireTopicKind.Status, "")]
    [InlineData("bitvla/v1/arm-1/claim", WireTopicKind.Claim, "")]
    [InlineData("bitvla/v1/arm-1/obs/image/", WireTopicKind.Unknown, "")]
    [InlineData("bitvla/v1/arm-1/obs/image/a/b", WireTopicKind.Unknown, "")]
    [InlineData("bitvla/v1/arm-1/obs/image/../x", WireTopicKind.Unknown, "")]
    [InlineData("bitvla/v1/arm-1/obs/depth/front", WireTopicKind.Unknown, "")]
    [InlineData("bitvla/v1/arm-1/cmd/", WireTopicKind.Unknown, "")]
    [InlineData("bitvla/v1/arm-1/cmd/a b", WireTopicKind.Unknown, "")]
    [InlineData("bitvla/v1/arm-1/cmd/abcdefghijklmnopqrstuvwxyzabcdefg", WireTopicKind.Unknown, "")]
    [InlineData("bitvla/v1/arm-10/cmd/pause", WireTopicKind.Unknown, "")]
    [InlineData("bitvla/v1/arm-1", WireTopicKind.Unknown, "")]
    [InlineData("", WireTopicKind.Unknown, "")]
    public void TryParse_ATopic_SaysWhatItCarries(string topic, WireTopicKind kind, string name)
    {
        Assert.Equal(kind != WireTopicKind.Unknown, topics.TryParse(topic, out WireTopicKind found, out ReadOnlySpan<char> foundName));
        Assert.Equal((kind, name), (found, foundName.ToString()));
    }

    [Fact]
    public void TryParse_AThousandTopics_AllocatesNothing()
    {
        string topic = topics.ObsImage("front");
        Assert.True(topics.TryParse(topic, out _, out _));
        long before = GC.GetAllocatedBytesForCurrentThread();
        int parsed = 0;
        for (int i = 0; i < 1000; i++)
        {
            parsed += topics.TryParse(topic, out _, out _) ? 1 : 0;
        }

        Assert.Equal((1000, 0), (parsed, GC.GetAllocatedBytesForCurrentThread() - before));
    }

    [Theory]
    [InlineData("bitvla/v1/arm-1/rsp/me", true)]
    [InlineData("bitvla/v1/arm-1/rsp/", false)]
    [InlineData("bitvla/v1/arm-1/rsp/a/b", false)]
    [InlineData("bitvla/v1/arm-1/action/chunk", false)]
    [InlineData("bitvla/v1/arm-2/rsp/me", false)]
    [InlineData("bitvla/v1/arm-1/rsp/#", false)]
    [InlineData(null, false)]
    public void IsResponse_OnlyTheRobotsOwnReplies_ArePermitted(string? topic, bool expected) => Assert.Equal(expected, topics.IsResponse(topic));

    [Theory]
    [InlineData("")]
    [InlineData("Arm")]
    [InlineData("arm_1")]
    [InlineData("a/b")]
    [InlineData("arm#")]
    [InlineData("abcdefghijklmnopqrstuvwxyz0123456")]
    public void Topics_OfABadRobot_AreRefused(string robot) => Assert.Throws<ArgumentException>(() => new WireTopics(robot));

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData("a/+")]
    [InlineData("#")]
    public void Topics_OfABadPrefix_AreRefused(string prefix) => Assert.Throws<ArgumentException>(() => new WireTopics("arm", prefix));

    [Fact]
    public void Topics_OfBadNames_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => topics.ObsImage("a/b"));
        Assert.Throws<ArgumentException>(() => topics.Cmd("+"));
        Assert.Throws<ArgumentException>(() => topics.Response(""));
    }
}
