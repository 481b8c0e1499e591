using Ota.Agent.Tests.Lab;
using Ota.Virtual;

namespace Ota.Agent.Tests.PowerCuts;

/// <summary>How a case ended.</summary>
/// <param name="CutsReached">Cuts that came before the flow was over.</param>
/// <param name="Fault">What must never have happened and did, or null.</param>
internal sealed record Outcome(int CutsReached, string? Fault);

/// <summary>One device that lives through one scenario, with the power cut at given operations of its flash.</summary>
internal static class Life
{
    private const int MostTurns = 600;

    /// <summary>Bytes of each flash operation of the flow when nothing is cut.</summary>
    public static IReadOnlyList<int> Trace(Scenario scenario)
    {
        var trace = new List<int>();
        var outcome = Run(scenario, [], scenario.Start.Clone(), trace);
        return outcome.Fault is null ? trace : throw new InvalidOperationException($"{scenario.Name}: {outcome.Fault}");
    }

    /// <param name="cuts">Each one's operation is counted from the cut before it.</param>
    public static Outcome Run(Scenario scenario, IReadOnlyList<PowerCut> cuts) =>
        Run(scenario, cuts, scenario.Start.Clone());

    public static Outcome Run(
        Scenario scenario, IReadOnlyList<PowerCut> cuts, FlashStore store, List<int>? trace = null)
    {
        var desk = new ProtocolDesk();
        scenario.Orders(desk);
        var device = scenario.DeviceOn(store, desk);
        device.Flash.Trace = trace;
        var watch = new Watch(scenario, device, desk, desk.Deployments);
        var reached = 0;
        device.Flash.Cut = NextOf(cuts, reached, device.Flash);
        for (var turns = 0; turns < MostTurns; turns++)
        {
            var wait = 0;
            try
            {
                wait = device.Step();
            }
            catch (PowerCutException)
            {
                device.Flash.Cut = NextOf(cuts, ++reached, device.Flash);
            }
            catch (Exception crash) when (crash is not OutOfMemoryException)
            {
                return new Outcome(reached, "the agent threw " + crash);
            }

            if (watch.Look() is { } fault)
                return new Outcome(reached, fault);
            if (device.Settled)
                return new Outcome(reached, watch.LookAtTheEnd());
            device.Clock.Advance(wait);
        }

        return new Outcome(reached, "never comes to rest");
    }

    private static PowerCut? NextOf(IReadOnlyList<PowerCut> cuts, int index, SimulatedFlash flash) =>
        index < cuts.Count ? cuts[index] with { Operation = flash.Operations + cuts[index].Operation } : null;
}
