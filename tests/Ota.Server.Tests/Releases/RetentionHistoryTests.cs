using FsCheck;
using FsCheck.Fluent;
using Ota.Server.Releases;

namespace Ota.Server.Tests.Releases;

/// <summary>
/// Whatever happened to builds and units: what anybody still needs stays, what nobody needs goes. The oracle looks at the units as they are, slots
/// and orders in hand, and not at what the policy looks at.
/// </summary>
public sealed class RetentionHistoryTests(ITestOutputHelper output)
{
    private const int Steps = 31;
    private const int ThePass = Steps;
    private static readonly int Histories = Environment.GetEnvironmentVariable("OTA_TEST_LONG") == "1" ? 20_000 : 2_000;

    [Fact]
    public void No_history_loses_an_image_that_is_needed_or_keeps_one_that_is_not()
    {
        var (passes, deletions) = (0, 0);
        var step = from what in Gen.Choose(0, Steps + 2)
                   from a in Gen.Choose(0, 27)
                   from b in Gen.Choose(0, 27)
                   select (What: what, A: a, B: b);
        Prop.ForAll(step.ArrayOf(80).ToArbitrary(), steps =>
        {
            var world = new RetentionWorld();
            var neededAt = new Dictionary<string, DateTimeOffset>();
            foreach (var (what, a, b) in steps)
            {
                if (what < ThePass)
                {
                    world.Do(what, a, b);
                    continue;
                }

                passes++;
                deletions += Pass(world, neededAt);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(Histories).WithReplay(20_263, 1));

        var said = $"cases: {Histories} histories of builds and units, {passes} retention passes, {deletions} images deleted, none that was needed";
        output.WriteLine(said);
        Console.WriteLine(said);
        Assert.True(deletions > Histories / 2, said);
    }

    private static int Pass(RetentionWorld world, Dictionary<string, DateTimeOffset> neededAt)
    {
        var needed = Images(world, Needed(world));
        var known = Images(world, Known(world));
        foreach (var image in needed)
            neededAt[image] = world.Now;
        var before = world.Releases.Where(release => release.Image.Deleted is null).ToArray();
        var verdicts = RetentionPolicy.Decide(world.Facts(), world.Now);
        world.Apply(verdicts);

        Assert.Equal(before.Length, verdicts.Count);
        var gone = world.Releases
            .Where(release => release.Image.Deleted is not null && before.Any(had => had.Id == release.Id))
            .Select(release => release.Image.Sha256).ToHashSet();
        Assert.Empty(gone.Intersect(needed));
        Assert.Empty(gone.Intersect(Images(world, Promised(world, before))));
        Assert.All(gone, image => Assert.True(
            neededAt.GetValueOrDefault(image) + TimeSpan.FromDays(world.Product.Retention!.Days) <= world.Now, "It was needed a moment ago."));
        Assert.All(world.Releases.GroupBy(release => release.Image.Sha256), sharing =>
            Assert.Single(sharing.Select(release => release.Image.Deleted is null).Distinct()));

        // Liveness: what stays has somebody who is known to need it, or the product's word.
        var kept = known.Union(Images(world, Promised(world, before))).ToHashSet();
        Assert.All(before.Where(release => !kept.Contains(release.Image.Sha256)), release => Assert.Contains(release.Image.Sha256, gone));
        return gone.Count;
    }

    private static HashSet<string> Images(RetentionWorld world, IEnumerable<string?> releases) =>
    [
        .. releases.OfType<string>().Select(id => world.Releases.First(release => release.Id == id)).Where(release => release.Image.Deleted is null)
            .Select(release => release.Image.Sha256),
    ];

    // As things are, whether the server knows or not.
    private static IEnumerable<string?> Needed(RetentionWorld world)
    {
        foreach (var unit in world.Living)
        {
            foreach (var slot in new[] { unit.Runs, unit.Other, unit.Trial })
                yield return slot?.Id;
            if (unit.Order is { } order && order.Expires > world.Now)
                yield return order.Release.Id;
            yield return unit.Open?.Release;
            yield return unit.Open?.Returns;
            if (unit.Open is null or { CanBeReplaced: true })
                yield return world.HandedTo(unit.Hardware, unit.Group, unit.Floor, unit.Instruction, unit.Runs?.Id)?.Id;
        }

        // Units to come, and those that change their group.
        foreach (var hardware in RetentionWorld.Hardware)
        {
            foreach (var group in RetentionWorld.Groups)
            {
                for (var floor = 0; floor < 3; floor++)
                    yield return world.HandedTo(hardware, group, floor, instruction: 0, runs: null)?.Id;
            }
        }
    }

    // What the server must believe for what it was told: somewhat more.
    private static IEnumerable<string?> Known(RetentionWorld world)
    {
        foreach (var id in Needed(world))
            yield return id;
        foreach (var unit in world.Living)
        {
            // The last two that it said it runs, confirmed; a version alone may be any build of it.
            foreach (var said in unit.Confirmed.TakeLast(2).Append(unit.Runs).OfType<Release>())
            {
                yield return said.Id;
                if (unit.SaysVersionOnly || unit.Last is null)
                {
                    foreach (var build in world.Releases.Where(build => build.Version == said.Version && build.Hardware.Contains(unit.Hardware)))
                        yield return build.Id;
                }
            }
        }

        foreach (var (release, expires) in world.LastOrders)
            yield return expires > world.Now ? release : null;
    }

    // The product's own word: everything, recovery builds, the newest, the days.
    private static IEnumerable<string?> Promised(RetentionWorld world, Release[] before)
    {
        if (world.Product.Retention is not { } retention)
            return before.Select(release => release.Id);
        var newest = RetentionWorld.Hardware.SelectMany(hardware => new[] { "stable", "beta" }.SelectMany(channel => before
            .Where(release => release.Kind == "application" && release.Channel == channel && release.Withdrawn is null && release.Hardware.Contains(hardware))
            .OrderByDescending(release => release.Uploaded).ThenByDescending(release => release.Id, StringComparer.Ordinal).Take(retention.Keep)));
        return before
            .Where(release => release is { Kind: "recovery", Withdrawn: null }
                || release.Uploaded.AddDays(retention.Days) > world.Now || release.Needed?.AddDays(retention.Days) > world.Now)
            .Concat(newest)
            .Select(release => release.Id);
    }
}
