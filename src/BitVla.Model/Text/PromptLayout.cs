namespace BitVla.Model.Text;

/// <summary>Where the parts of a token sequence lie.</summary>
/// <remarks>Shape: a sequence of S = <see cref="Length"/> ids: prompt with images and proprio, K·A slots, stop token.</remarks>
/// <param name="Length">All ids S.</param>
/// <param name="PromptTokens">Text tokens T: all but image placeholders, proprio, slots and stop token.</param>
/// <param name="ImageStart">First image placeholder; the N·P of them lie side by side.</param>
/// <param name="ProprioPosition">The proprio placeholder.</param>
/// <param name="SlotStart">First action slot.</param>
/// <param name="StopPosition">The stop token, last of all.</param>
public readonly record struct PromptLayout(
    int Length, int PromptTokens, int ImageStart, int ProprioPosition, int SlotStart, int StopPosition)
{
    /// <summary>First row the action head reads: the one before the first slot, for actions are read with the next-token shift.</summary>
    public int ReadoutStart => SlotStart - 1;
}
