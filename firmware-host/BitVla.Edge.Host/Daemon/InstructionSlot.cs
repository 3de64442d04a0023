namespace BitVla.Edge.Host.Daemon;

/// <summary>What to do, and the number that chunks and birth call it by.</summary>
/// <param name="Id">Number within this session; 0 while nothing was told.</param>
/// <param name="Text">As a person says it.</param>
internal sealed record Instruction(uint Id, string Text)
{
    public static Instruction None { get; } = new(0, "");
}

/// <summary>The instruction in force. A pass takes it once, as a whole, when it begins.</summary>
internal sealed class InstructionSlot
{
    private Instruction current;

    public InstructionSlot(string initial) => current = initial.Length == 0 ? Instruction.None : new Instruction(1, initial);

    /// <summary>The instruction in force.</summary>
    public Instruction Current => Volatile.Read(ref current);

    /// <summary>Puts another in force; one caller at a time.</summary>
    public Instruction Set(string text)
    {
        var next = new Instruction(current.Id + 1, text);
        Volatile.Write(ref current, next);
        return next;
    }
}
