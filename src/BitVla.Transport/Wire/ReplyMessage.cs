namespace BitVla.Transport.Wire;

/// <summary><c>rsp/&lt;client&gt;</c>: what became of a command.</summary>
/// <param name="Ok">It was done.</param>
/// <param name="Code">Stable code; <c>OK</c> when done.</param>
/// <param name="Reasons">Why not; empty when done.</param>
/// <param name="State">The state after it.</param>
public sealed record ReplyMessage(bool Ok, string Code, IReadOnlyList<string> Reasons, string State);
