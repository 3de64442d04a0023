namespace BitVla.Transport.Mqtt;

/// <summary>What the link did since it was made.</summary>
/// <param name="Connects">Times it became connected.</param>
/// <param name="Failures">Tries that came to nothing.</param>
/// <param name="Published">Messages handed to the broker.</param>
/// <param name="Dropped">Messages that were not, for want of a connection or an answer.</param>
/// <param name="Received">Messages delivered to the daemon.</param>
/// <param name="Ignored">Messages too large or on no topic of ours.</param>
/// <param name="Gaps">Gaps of the loop.</param>
public sealed record MqttLinkCounters(long Connects, long Failures, long Published, long Dropped, long Received, long Ignored, long Gaps);
