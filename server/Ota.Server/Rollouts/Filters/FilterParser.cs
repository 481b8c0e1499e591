using System.Collections.Immutable;

namespace Ota.Server.Rollouts.Filters;

/// <summary>
/// Reads a filter by recursive descent (grammar in docs/filters.md): a token is looked at once, and depth and terms are
/// counted.
/// </summary>
internal sealed class FilterParser
{
    private const string AnExample = "like group = kitchens";
    private static readonly string[] Keywords = ["and", "or", "not", "in", "is", "none"];

    private readonly string _source;
    private readonly List<FilterToken> _tokens;
    private int _next;
    private int _depth;
    private int _terms;
    private FilterFault? _fault;

    private FilterParser(string source, List<FilterToken> tokens) => (_source, _tokens) = (source, tokens);

    private FilterToken Token => _tokens[_next];

    public static bool IsKeyword(string word) => Keywords.Contains(word, StringComparer.OrdinalIgnoreCase);

    public static FilterNode? Read(string source, out FilterFault? fault)
    {
        if (source.Length > Filter.LongestSource)
        {
            fault = new FilterFault(
                Filter.LongestSource,
                source.Length - Filter.LongestSource,
                $"A filter has at most {Filter.LongestSource} characters.");
            return null;
        }

        if (FilterTokens.Read(source, out fault) is not { } tokens)
            return null;
        var parser = new FilterParser(source, tokens);
        var node = parser.ReadEither();
        if (node is not null && parser.Token.Kind != FilterTokenKind.End)
            node = parser.FailAfterCondition();
        fault = parser._fault;
        return node;
    }

    private FilterNode? ReadEither()
    {
        var left = ReadBoth();
        while (left is not null && Take("or"))
            left = ReadBoth() is { } right ? new Either(left, right) : null;
        return left;
    }

    private FilterNode? ReadBoth()
    {
        var left = ReadUnary();
        while (left is not null && Take("and"))
            left = ReadUnary() is { } right ? new Both(left, right) : null;
        return left;
    }

    private FilterNode? ReadUnary()
    {
        var token = Token;
        if (!token.Is("not") && token.Kind != FilterTokenKind.Open)
            return ReadCondition();
        if (++_depth > Filter.DeepestNesting)
            return Fail(token, $"Parentheses and 'not' go at most {Filter.DeepestNesting} deep.");
        _next++;
        var node = token.Is("not") ? ReadUnary() is { } inner ? new Not(inner) : null : ReadEnclosed(token);
        _depth--;
        return node;
    }

    private FilterNode? ReadEnclosed(FilterToken open)
    {
        var node = ReadEither();
        if (node is null)
            return null;
        if (Token.Kind == FilterTokenKind.End)
            return FailUnclosed(open);
        if (Token.Kind != FilterTokenKind.Close)
            return FailAfterCondition();
        _next++;
        return node;
    }

    private FilterNode? ReadCondition()
    {
        if (ReadField() is not { } field)
            return null;
        var token = Token;
        if (token.Kind == FilterTokenKind.Comparison)
        {
            _next++;
            return token.Text == "~" ? ReadBegins(field, token) : ReadCompared(field, token);
        }

        if (Take("is"))
            return ReadIsNone(field);
        if (Take("in"))
            return ReadOneOf(field, token);
        if (Take("not"))
        {
            if (!Take("in"))
                return Fail(
                    Token, $"After '{field} not' goes 'in'; the opposite of a condition has 'not' before its field.");
            // Both words, for what is said about them.
            var last = _tokens[_next - 1];
            var both = token with { Length = last.Position + last.Length - token.Position };
            return ReadOneOf(field, both) is { } oneOf ? new Not(oneOf) : null;
        }

        return token.Kind == FilterTokenKind.End || token.Kind == FilterTokenKind.Close || IsJoint(token)
            ? Fail(token, $"After '{field}' a comparison is missing: {field.Takes}.")
            : Fail(token, $"After '{field}' goes {field.Takes}, not '{Written(token)}'.");
    }

    private FilterField? ReadField()
    {
        var token = Token;
        if (token.Kind == FilterTokenKind.Word && !IsKeyword(token.Text))
        {
            if (FilterField.Find(token.Text) is not { } field)
                return FailField(token);
            _next++;
            return field;
        }

        var missing = token.Kind == FilterTokenKind.Comparison
            ? "a field is missing: " + FilterField.Names
            : "a condition is missing, " + AnExample;
        Fail(token, token.Kind switch
        {
            FilterTokenKind.End when _next == 0 => $"The filter is empty: it is a condition {AnExample}, or several.",
            FilterTokenKind.End => $"After '{Written(_tokens[_next - 1])}' a condition is missing, {AnExample}.",
            FilterTokenKind.Quoted => "A condition begins with a field, which has no quotes.",
            FilterTokenKind.Comma => "A ',' goes only between the values of a list, like group in (kitchens, halls).",
            _ => $"Before '{Written(token)}' {missing}.",
        });
        return null;
    }

    private FilterField? FailField(FilterToken token)
    {
        var isTurned = Token.Kind == FilterTokenKind.Word && _tokens[_next + 1].Kind == FilterTokenKind.Comparison
            && _tokens[_next + 2] is { Kind: FilterTokenKind.Word } other && FilterField.Find(other.Text) is not null;
        var meant = FilterField.Nearest(token.Text);
        Fail(token, isTurned
            ? $"A condition begins with its field: '{_tokens[_next + 2].Text}' goes first, "
                + $"'{FilterTokens.Shown(token.Text)}' after the comparison."
            : $"There is no field '{FilterTokens.Shown(token.Text)}'; "
                + (meant is null ? $"there are {FilterField.Names}." : $"did you mean '{meant}'?"));
        return null;
    }

    private FilterNode? ReadCompared(FilterField field, FilterToken comparison)
    {
        var (kind, isOpposite) = comparison.Text switch
        {
            "<" => (Comparison.Less, false),
            "<=" => (Comparison.AtMost, false),
            ">" => (Comparison.Greater, false),
            ">=" => (Comparison.AtLeast, false),
            var text => (Comparison.Equal, text == "!="),
        };
        var hasOrder = field.Kind is not (FieldKind.Name or FieldKind.Word);
        if (kind == Comparison.Equal ? field.Kind == FieldKind.Moment : !hasOrder)
            return FailComparison(field, comparison);
        if (ReadValue(field, comparison) is not { } value)
            return null;
        FilterNode node = new Compared(field, kind, value);
        return isOpposite ? new Not(node) : node;
    }

    private FilterNode? ReadBegins(FilterField field, FilterToken comparison)
    {
        if (field.Kind != FieldKind.Name)
            return FailComparison(field, comparison);
        var token = Token;
        if (!IsValue(field, comparison))
            return null;
        return FilterValues.ReadBeginning(field, token.Text, out var reason) is { } beginning
            ? new Begins(field, beginning)
            : Fail(token, reason!);
    }

    private FilterNode? ReadIsNone(FilterField field)
    {
        var isOpposite = Take("not");
        if (!Token.Is("none"))
            return Fail(Token, $"After '{field} is' goes 'none' or 'not none'.");
        if (!CountTerm(Token))
            return null;
        _next++;
        return isOpposite ? new Not(new IsNone(field)) : new IsNone(field);
    }

    private FilterNode? ReadOneOf(FilterField field, FilterToken comparison)
    {
        if (field.Kind == FieldKind.Moment)
            return FailComparison(field, comparison);
        var open = Token;
        if (open.Kind != FilterTokenKind.Open)
            return Fail(open, "After 'in' goes a list in parentheses, like (a, b).");
        var values = ImmutableArray.CreateBuilder<FilterValue>();
        do
        {
            _next++;
            if (Token.Kind == FilterTokenKind.End && values.Count > 0)
                return FailUnclosed(open);
            if (ReadValue(field, _tokens[_next - 1]) is not { } value)
                return null;
            values.Add(value);
        }
        while (Token.Kind == FilterTokenKind.Comma);

        if (Token.Kind == FilterTokenKind.End)
            return FailUnclosed(open);
        if (Token.Kind != FilterTokenKind.Close)
            return Fail(Token, "Between the values of a list goes ',', and ')' at its end.");
        _next++;
        return new OneOf(field, values.ToImmutable());
    }

    private FilterValue? ReadValue(FilterField field, FilterToken before)
    {
        var token = Token;
        if (!IsValue(field, before))
            return null;
        var value = FilterValues.Read(field, token.Text, out var reason);
        if (value is null)
            Fail(token, reason!);
        return value;
    }

    /// <summary>Steps over a value; its text is the token's.</summary>
    private bool IsValue(FilterField field, FilterToken before)
    {
        var token = Token;
        if (token.Kind == FilterTokenKind.Quoted || (token.Kind == FilterTokenKind.Word && !IsKeyword(token.Text)))
        {
            if (!CountTerm(token))
                return false;
            _next++;
            return true;
        }

        Fail(token, token.Is("none")
            ? $"A device that has none is found with '{field} is none'; a text 'none' stands in quotes."
            : token.Kind == FilterTokenKind.Word && !IsJoint(token)
                ? $"'{token.Text}' is a word of the language: as a value it stands in quotes."
                : $"After '{Written(before)}' a value is missing: {field} is {field.What}.");
        return false;
    }

    private bool CountTerm(FilterToken token)
    {
        if (++_terms <= Filter.MostTerms)
            return true;
        Fail(token, $"A filter has at most {Filter.MostTerms} conditions and values of lists.");
        return false;
    }

    private bool Take(string keyword)
    {
        if (!Token.Is(keyword))
            return false;
        _next++;
        return true;
    }

    private static bool IsJoint(FilterToken token) => token.Is("and") || token.Is("or");

    private FilterNode? FailAfterCondition() => Fail(Token, Token.Kind == FilterTokenKind.Close
        ? "This ')' closes nothing."
        : $"'{Written(Token)}' does not go here: between conditions goes 'and' or 'or', "
            + "and a text with spaces stands in quotes.");

    private FilterNode? FailComparison(FilterField field, FilterToken comparison)
    {
        var what = field.Kind == FieldKind.Moment ? "a moment, never exactly another" : field.What;
        return Fail(comparison, $"{field} is {what}: it goes with {field.Takes}, not '{Written(comparison)}'.");
    }

    private FilterNode? FailUnclosed(FilterToken open) => Fail(open, "This '(' is not closed: a ')' is missing.");

    private FilterNode? Fail(FilterToken token, string sentence)
    {
        _fault = new FilterFault(token.Position, token.Length, sentence);
        return null;
    }

    private string Written(FilterToken token) => FilterTokens.Shown(_source.Substring(token.Position, token.Length));
}
