namespace BitVla.Transport.Wire;

/// <summary><c>event</c>: something worth remembering happened.</summary>
/// <param name="TimeUs">Unix time, microseconds.</param>
/// <param name="Severity">RFC 5424: 0 emergency to 7 debug.</param>
/// <param name="Code">Stable code such as <c>CMD.RETAINED_REFUSED</c>.</param>
/// <param name="Message">One sentence for a person.</param>
/// <param name="Data">Facts by name.</param>
public sealed record EventMessage(long TimeUs, int Severity, string Code, string Message, IReadOnlyDictionary<string, string>? Data = null);
