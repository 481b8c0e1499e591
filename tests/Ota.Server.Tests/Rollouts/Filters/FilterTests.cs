using System.Runtime.CompilerServices;
using FsCheck;
using FsCheck.Fluent;
using Ota.Server.Devices;
using Ota.Server.Rollouts.Filters;

namespace Ota.Server.Tests.Rollouts.Filters;

public sealed class FilterTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.Parse("2026-11-21T12:00:00Z", null);

    /// <summary>The blocks of filters.txt: the filter, and what is to be said of it.</summary>
    public static TheoryData<string, string> Examples()
    {
        var examples = new TheoryData<string, string>();
        foreach (var block in File.ReadAllText(Path.Combine(Folder(), "..", "filters.txt")).Split("\n\n"))
        {
            if (!block.StartsWith('#'))
                examples.Add(block.Split('\n', 2)[0], block.Split('\n', 2)[1].TrimEnd('\n'));
        }

        return examples;
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public void What_is_written_is_read_or_refused_as_the_file_says(string source, string said)
    {
        var filter = Filter.Parse(source, out var fault);

        Assert.Equal(
            $"{source}\n{said}",
            filter is not null ? $"{source}\n= {filter}" : $"{fault!.Render(source)}\n  {fault.Sentence}");
        Assert.Equal(filter is null, fault is not null);
        if (fault is null)
            return;
        var carets = said.Split('\n')[0];
        Assert.Equal(carets.IndexOf('^', StringComparison.Ordinal), fault.Position);
        Assert.Equal(fault.Position == source.Length ? 0 : carets.Count(c => c == '^'), fault.Length);
    }

    [Fact]
    public void The_file_has_at_least_two_hundred_examples() => Assert.True(Examples().Count >= 200);

    // What does not go into the file: no characters, only spaces, lines, tabs, characters that are two, and those that
    // nobody sees.
    [Theory]
    [InlineData("", 0, 0, "The filter is empty: it is a condition like group = kitchens, or several.")]
    [InlineData("  \n ", 4, 0, "The filter is empty: it is a condition like group = kitchens, or several.")]
    [InlineData("group =\n\n", 9, 0, "After '=' a value is missing: group is a name like kitchens.")]
    [InlineData("group = 🍳", 8, 2, "'🍳' goes only into a text in quotes.")]
    [InlineData("group = \"a\0b\"", 10, 1, "A text holds no control characters and no half ones.")]
    [InlineData("group = \"a\tb\"", 10, 1, "A text holds no control characters and no half ones.")]
    [InlineData("group = \u202Ea", 8, 1, "'?' goes only into a text in quotes.")]
    [InlineData("rssi > \"\u202Eweak\"", 7, 7, "rssi is a number in dBm like -75; '?weak' is not one.")]
    [InlineData("rssi > \"\u001B[2J\"", 8, 1, "A text holds no control characters and no half ones.")]
    public void What_cannot_be_seen_is_refused_too(string source, int position, int length, string sentence)
    {
        Assert.Null(Filter.Parse(source, out var fault));
        Assert.Equal(new FilterFault(position, length, sentence), fault);
    }

    // A compiler does not keep them in an attribute.
    [Fact]
    public void Half_a_character_is_refused()
    {
        Assert.Null(Filter.Parse("group = \"a\uD83Cb\"", out var fault));
        Assert.Equal(new FilterFault(10, 1, "A text holds no control characters and no half ones."), fault);
        Assert.Null(Filter.Parse("group = \uD83C", out fault));
        Assert.Equal(new FilterFault(8, 1, "'?' goes only into a text in quotes."), fault);
    }

    [Theory]
    [InlineData("group\n=\tkitchens\u00A0and\r\nrssi > -75", "group = kitchens and rssi > -75")]
    public void Lines_tabs_and_pasted_spaces_are_spaces(string source, string canonical) =>
        Assert.Equal(canonical, Filter.Parse(source, out _)?.ToString());

    [Fact]
    public void A_filter_has_at_most_1000_characters()
    {
        Assert.NotNull(Filter.Parse("group = a".PadRight(1000), out _));
        Assert.Null(Filter.Parse("group = a".PadRight(1007), out var fault));
        Assert.Equal(new FilterFault(1000, 7, "A filter has at most 1000 characters."), fault);
        Assert.Null(Filter.Parse(new string('(', 50_000_000), out _));
    }

    [Theory]
    [InlineData("(", ")", 32, 32)]
    [InlineData("not ", "", 32, 128)]
    [InlineData("not(", ")", 16, 64)]
    public void Parentheses_and_not_go_32_deep(string open, string close, int levels, int position)
    {
        var (before, after) = (Enumerable.Repeat(open, levels), Enumerable.Repeat(close, levels));
        var within = string.Concat(before) + "group = a" + string.Concat(after);
        Assert.NotNull(Filter.Parse(within, out _));
        Assert.Null(Filter.Parse(open + within + close, out var fault));
        Assert.Equal((position, "Parentheses and 'not' go at most 32 deep."), (fault!.Position, fault.Sentence));
    }

    [Fact]
    public void A_filter_has_at_most_100_conditions_and_values_of_lists()
    {
        static string Or(int count) => string.Join("or", Enumerable.Repeat("(id=a)", count));
        static string List(int count) => $"id in ({string.Join(",", Enumerable.Repeat("a", count))})";

        foreach (var source in new[] { Or(100), List(100), $"{List(50)} and id is none and {List(49)}" })
            Assert.NotNull(Filter.Parse(source, out _));
        foreach (var source in new[] { Or(101), List(101), $"{List(99)} and id is none and id = a" })
        {
            Assert.Null(Filter.Parse(source, out var fault));
            Assert.Equal(
                new FilterFault(source.LastIndexOf('a'), 1, "A filter has at most 100 conditions and values of lists."),
                fault);
        }
    }

    [Fact]
    public void Of_a_long_filter_the_part_around_the_fault_is_shown()
    {
        var before = string.Concat(Enumerable.Repeat("group = a or ", 20));
        var source = before + "rssi > weak" + string.Concat(Enumerable.Repeat(" or group = a", 20));

        Filter.Parse(source, out var fault);
        var lines = fault!.Render(source).Split('\n');

        var first = lines[1].IndexOf('^', StringComparison.Ordinal);
        Assert.Equal("weak", lines[0][first..lines[1].Length]);
        Assert.Equal(102, lines[0].Length);
        Assert.StartsWith("…", lines[0], StringComparison.Ordinal);
        Assert.EndsWith("…", lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Carets_stand_below_what_is_wrong_whatever_stands_before_it()
    {
        const string source = "group = \"🍳🍳\" and\n\u202Erssi";
        Filter.Parse(source, out var fault);

        Assert.Equal("group = \"🍳🍳\" and ?rssi\n                 ^", fault!.Render(source));
    }

    [Fact]
    public void Every_text_is_read_or_refused_in_its_bounds_and_what_is_read_is_read_again_from_its_canonical_text() =>
        Prop.ForAll(Arb.From(AFilter.AnyText), source =>
        {
            var filter = Filter.Parse(source, out var fault);
            if (filter is null)
            {
                var lines = fault!.Render(source).Split('\n');
                return fault.Position >= 0 && fault.Length >= 0 && fault.Position + fault.Length <= source.Length
                    && fault.Sentence[^1] is '.' or '?'
                    && fault.Sentence.Length < 400 && !fault.Sentence.Any(char.IsControl)
                    && lines.Length == 2 && lines[1].EndsWith('^') && lines[0].Length <= 103;
            }

            var canonical = filter.ToString();
            // Units and quotes may make it longer than what may be written.
            return fault is null && !canonical.Any(char.IsControl)
                && (canonical.Length > 1000 || Filter.Parse(canonical, out _)?.Root == filter.Root);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(AFilter.Cases * 10));

    [Fact]
    public void Every_filter_is_read_again_from_its_canonical_text() =>
        Prop.ForAll(AFilter.Any, root =>
        {
            var canonical = new Filter(root).ToString();
            var again = Filter.Parse(canonical, out var fault);
            return (again?.Root == root && again.ToString() == canonical).Label($"{canonical}: {fault}");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(AFilter.Cases));

    // A device that has said nothing but its version, and is in no group.
    [Theory]
    [InlineData("group = kitchens", false)]
    [InlineData("group != kitchens", true)]
    [InlineData("not group = kitchens", true)]
    [InlineData("group in (kitchens)", false)]
    [InlineData("group not in (kitchens)", true)]
    [InlineData("group ~ k*", false)]
    [InlineData("not group ~ k*", true)]
    [InlineData("rssi < 0", false)]
    [InlineData("rssi >= 0", false)]
    [InlineData("not rssi < 0", true)]
    [InlineData("rssi != 0", true)]
    [InlineData("uptime >= 0s", false)]
    [InlineData("last-seen > 1d", false)]
    [InlineData("not last-seen < 1d", true)]
    [InlineData("slot = confirmed", false)]
    [InlineData("cause != crash", true)]
    [InlineData("security-counter = 0", false)]
    [InlineData("group is none and rssi is none and uptime is none and last-seen is none", true)]
    [InlineData("slot is none and cause is none", true)]
    [InlineData("free-memory is none and restarts is none and security-counter is none", true)]
    [InlineData("id is none or hardware is none or hardware-id is none", false)]
    [InlineData("version is none or enrolled is none or state is none", false)]
    [InlineData("enrolled < 2d and enrolled >= 1d", true)]
    [InlineData("enrolled < 1d", false)]
    [InlineData("enrolled < 2026-11-21 and enrolled >= 2026-11-20T12:00Z", true)]
    [InlineData("version = 1.4.0-beta.1 and version < 1.4.0 and version > 1.4.0-beta", true)]
    [InlineData("hardware-id = AA-BB-01 and hardware-id ~ aa:b*", true)]
    [InlineData("ID = DEVICE1 and state = enrolled", true)]
    public void An_absent_value_equals_nothing_and_is_neither_below_nor_above_anything(string source, bool holds)
    {
        var device = new Device("device1", "kettle", "aa:bb:01", "esp32", Now.AddDays(-1))
        {
            RunningAtEnrollment = "1.4.0-beta.1",
        };

        Assert.Equal(holds, Filter.Parse(source, out _)!.Holds(DeviceFacts.Of(device), Now));
    }

    [Theory]
    [InlineData("uptime < 1h", "uptime")]
    [InlineData("free-memory < 40000", "free-memory")]
    [InlineData("restarts < 5", "restarts")]
    [InlineData("cause = power-or-unknown", "cause")]
    [InlineData("rssi > -75", "rssi")]
    public void What_a_client_that_is_not_ours_never_told_compares_with_nothing(string source, string field)
    {
        var silent = ADeviceRow.Full with
        {
            Dialect = "esp8266", Uptime = 0, FreeMemory = 0, Restarts = 0, Cause = "power-or-unknown", Rssi = 0,
        };
        var telling = silent with { Uptime = 5, FreeMemory = 5, Restarts = 1, Rssi = -60 };

        Assert.False(Filter.Parse(source, out _)!.Holds(DeviceFacts.Of(silent.ToDevice(Now)), Now));
        Assert.True(Filter.Parse(field + " is none", out _)!.Holds(DeviceFacts.Of(silent.ToDevice(Now)), Now));
        Assert.True(Filter.Parse(source, out _)!.Holds(DeviceFacts.Of(telling.ToDevice(Now)), Now));
    }

    [Fact]
    public void Evaluation_allocates_nothing()
    {
        var filter = Filter.Parse(

            "group in (a, kitchens) and version >= 1.4.0-beta.1 and not (rssi < -80 or last-seen > 2d) "
                + "and hardware-id ~ 24:6f* and uptime < 3d",
            out _)!;
        var device = ADeviceRow.Full with { Running = "1.4.0-beta.2" };
        var facts = DeviceFacts.Of(device.ToDevice(Now));
        Assert.True(filter.Holds(facts, Now));

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            filter.Holds(facts, Now);

        // The smallest object is 24 bytes; the runtime's own, as it compiles anew what runs often, are fewer.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 23_999);
    }

    [Fact]
    public void The_document_has_every_field_and_its_examples_are_filters()
    {
        var document = File.ReadAllText(Path.Combine(Folder(), "..", "..", "..", "..", "server", "docs", "filters.md"));
        var examples = document.Split("```filter\n").Skip(1).SelectMany(part => part.Split("\n```")[0].Split('\n')).ToArray();

        Assert.True(examples.Length > 10);
        Assert.All(examples, example => Assert.NotNull(Filter.Parse(example, out _)));
        var rows = document.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('`')[1]);
        Assert.Equal(FilterField.All.Select(field => field.Name), rows.Where(row => FilterField.Find(row) is not null));
        foreach (var word in FilterField.Find("cause")!.Words)
            Assert.Contains($"`{word}`", document, StringComparison.Ordinal);
    }

    private static string Folder([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;
}
