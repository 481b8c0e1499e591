using Ota.Agent.Tests.Lab;

namespace Ota.Agent.Tests.Slots;

public sealed class StatesDocumentTests
{
    [Fact]
    public void The_document_lists_the_boot_table_row_by_row_in_its_order()
    {
        var document = File.ReadAllText(Vectors.Repository("server/docs/states.md"));
        var at = 0;
        foreach (var row in Boot.Table())
        {
            var parts = row.Split(" → ");
            var line = $"| {parts[0]} | {parts[1]} |";
            var found = document.IndexOf(line, at, StringComparison.Ordinal);
            Assert.True(found > 0, $"docs/states.md lacks, here or at all: {line}");
            at = found;
        }
    }
}
