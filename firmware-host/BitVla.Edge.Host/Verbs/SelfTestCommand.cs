using System.CommandLine;
using BitVla.Kernels.Dispatch;
using BitVla.Kernels.SelfTest;

namespace BitVla.Edge.Host.Verbs;

/// <summary><c>bitvlad selftest</c>: every kernel of this board against the reference, bit for bit, before it is trusted with motors.</summary>
internal static class SelfTestCommand
{
    public static Command Create(CancellationToken stop)
    {
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var expect = new Option<string?>("--expect-kernel") { Description = "Fail unless this kernel is the one that would be chosen: so that a silent fall-back cannot pass." };
        var command = new Command("selftest", "Proves each kernel equal to the reference on this processor, at awkward shapes and several thread counts.") { json, expect };
        command.SetAction(parse => Run(parse.GetValue(json), parse.GetValue(expect), stop));
        return command;
    }

    private static int Run(bool json, string? expected, CancellationToken stop)
    {
        var choice = KernelSelector.Select(null);
        var results = KernelSelfTest.Run(stop);
        bool asExpected = expected is null || choice.Name == expected;
        if (json)
        {
            JsonOutput.Print(writer =>
            {
                writer.WriteString("selected", choice.Name);
                writer.WriteString("reason", choice.Reason);
                writer.WriteStartArray("results");
                foreach (var result in results)
                {
                    writer.WriteStartObject();
                    writer.WriteString("kernel", result.Kernel);
                    writer.WriteString("operation", result.Operation);
                    writer.WriteNumber("cases", result.Cases);
                    writer.WriteNumber("differing_values", result.DifferingValues);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
                writer.WriteBoolean("passed", asExpected && results.All(r => r.DifferingValues == 0));
            });
        }
        else
        {
            Console.WriteLine($"selected {choice.Name}: {choice.Reason}");
            foreach (var result in results)
            {
                string verdict = result.DifferingValues == 0 ? "equal" : $"{result.DifferingValues} VALUES DIFFER";
                Console.WriteLine($"  {result.Kernel,-10} {result.Operation,-28} {result.Cases,4} cases  {verdict}");
            }
        }

        if (!asExpected)
        {
            throw new KernelUnavailableException($"expected kernel {expected} to be chosen, found {choice.Name}: {choice.Reason}");
        }

        // A kernel that is wrong on this board is a board that cannot be trusted with motors.
        return results.All(r => r.DifferingValues == 0) ? ExitCode.Ok : ExitCode.SafetyRefused;
    }
}
