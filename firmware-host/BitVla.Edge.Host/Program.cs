using System.CommandLine;
using System.Runtime.InteropServices;
using BitVla.Contracts;
using BitVla.Edge.Host;
using BitVla.Edge.Host.Verbs;
using BitVla.Format;
using BitVla.Kernels.Dispatch;

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

var root = new RootCommand(
    """
    Runs a packed BitVLA policy on this board.

    Exit codes: 0 ok, 1 usage or unusable observation, 2 configuration, 3 model invalid, 4 hardware missing (a forced kernel
    the processor lacks), 5 safety refused (the policy gave NaN or infinity), 70 internal, 130 interrupted.
    """)
{
    RunCommand.Create(stop.Token),
    DemoCommand.Create(stop.Token),
    CheckCommand.Create(),
    SchemaCommand.Create(),
    ActCommand.Create(stop.Token),
    SelfTestCommand.Create(stop.Token),
    BenchCommand.Create(stop.Token),
    VersionCommand.Create(),
};

var parsed = root.Parse(args);
try
{
    // A parse error prints its own explanation; System.CommandLine's code for it is 1, ours too.
    return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
}
catch (UsageException wrong)
{
    return Fail(wrong.Message, ExitCode.Usage);
}
catch (ObservationException wrong)
{
    return Fail(wrong.Message, ExitCode.Usage);
}
catch (ConfigurationException wrong)
{
    return Fail(wrong.Message, ExitCode.Configuration);
}
catch (ArtifactException wrong)
{
    // An output folder that cannot be written is the caller's to mend; no model is at fault.
    return Fail(wrong.Message, wrong is { Error: ArtifactError.Unreadable, Field: "output" } ? ExitCode.Usage : ExitCode.ModelInvalid);
}
catch (KernelUnavailableException wrong)
{
    return Fail(wrong.Message, ExitCode.HardwareMissing);
}
catch (NonFiniteActionException wrong)
{
    return Fail(wrong.Message, ExitCode.SafetyRefused);
}
catch (OperationCanceledException)
{
    return Fail("interrupted", ExitCode.Interrupted);
}
catch (Exception bug)
{
    return Fail($"internal error, please report it: {bug}", ExitCode.Internal);
}

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}

static int Fail(string message, int code)
{
    Console.Error.WriteLine($"bitvlad: {message}");
    return code;
}
