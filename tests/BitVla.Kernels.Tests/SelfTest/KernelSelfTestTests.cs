using System.Reflection;
using BitVla.Kernels.Dispatch;
using BitVla.Kernels.SelfTest;

namespace BitVla.Kernels.Tests.SelfTest;

public class KernelSelfTestTests
{
    // Once for both tests: under emulation a run takes a minute.
    private static readonly Lazy<IReadOnlyList<SelfTestResult>> Results = new(() => KernelSelfTest.Run(CancellationToken.None));

    [Fact]
    public void Run_OnThisProcessor_FindsEveryKernelEqual()
    {
        var results = Results.Value;
        Assert.All(results, result => Assert.Equal(0, result.DifferingValues));
        Assert.Equal(KernelSelector.Available.Order(), results.Select(result => result.Kernel).Distinct().Order());
    }

    /// <summary>A board is trusted for what its self-test ran: every operation that takes a token must be in it.</summary>
    [Fact]
    public void Run_EveryOperation_HasACase()
    {
        var operations = typeof(Operations).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(method => method.GetParameters().Any(parameter => parameter.ParameterType == typeof(CancellationToken)))
            .Select(method => method.Name)
            .ToHashSet();
        var tested = Results.Value.Select(result => result.Operation).ToHashSet();
        Assert.Equal(operations.Order(), tested.Order());
    }
}
