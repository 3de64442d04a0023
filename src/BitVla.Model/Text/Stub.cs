using BitVla.Format;
namespace BitVla.Model.Text;
internal readonly record struct PromptLayout(int Length, int ImageStart, int ProprioPosition, int SlotStart, int StopPosition, int ReadoutStart);
internal sealed class Tokenizer(PackedTokenizer t) { public PackedTokenizer T => t; }
internal sealed class PromptAssembler(ModelManifest m, Tokenizer t) { public PromptLayout Assemble(string s, Span<int> ids) => throw new InvalidOperationException($"{m}{t}{s}{ids.Length}"); }
