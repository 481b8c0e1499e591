using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Ota.Agent.Tests.Provisioning;

public sealed class ConsoleLineTests
{
    [Fact]
    public void Words_come_back_as_they_were_written() =>
        Prop.ForAll<NonNull<string>, NonNull<string>>((first, second) =>
        {
            var line = ConsoleLine.Escaped(first.Get) + "\t" + ConsoleLine.Escaped(second.Get);
            return line.IndexOfAny(['\n', '\r']) < 0
                && ConsoleLine.Words(line) is [var one, var two] && one == first.Get && two == second.Get;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("a\\")]
    [InlineData("a\\x")]
    [InlineData("1\t2\t3\t4\t5\t6\t7\t8\t9")]
    public void What_is_no_line_of_words_is_none(string line) => Assert.Null(ConsoleLine.Words(line));

    [Fact]
    public void Lines_end_with_either_sign_and_empty_ones_are_none() =>
        Assert.Equal(["status", "logs", "Küche"], Taken("\n\r\nstatus\r\nlogs\n\nKüche\r"));

    [Fact]
    public void A_line_that_is_too_long_is_dropped_to_its_end_and_the_next_one_is_read()
    {
        var longest = new string('x', LineBuffer.Longest);

        Assert.Equal([longest, "status"], Taken($"{longest}\n{longest}y\n{longest}{longest}{longest}\nstatus\n"));
    }

    private static string[] Taken(string text)
    {
        var buffer = new LineBuffer();
        return [.. Encoding.UTF8.GetBytes(text).Select(b => buffer.Take(b)).OfType<string>()];
    }
}
