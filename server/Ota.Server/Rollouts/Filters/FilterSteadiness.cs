namespace Ota.Server.Rollouts.Filters;

/// <summary>
/// Whether what a filter says of a device can change without the device telling something new or being changed by staff: a signal, an
/// age or a state can. Pure.
/// </summary>
internal static class FilterSteadiness
{
    private static readonly string[] Steady = ["group", "hardware", "hardware-id", "id", "version", "security-counter"];

    public static bool IsSteady(FilterNode node) => node switch
    {
        Both both => IsSteady(both.Left) && IsSteady(both.Right),
        Either either => IsSteady(either.Left) && IsSteady(either.Right),
        Not not => IsSteady(not.Inner),
        IsNone none => IsSteady(none.Field),
        Begins begins => IsSteady(begins.Field),
        OneOf oneOf => IsSteady(oneOf.Field),
        Compared { Field.Name: "enrolled", Value: MomentValue } => true,
        Compared compared => IsSteady(compared.Field),
        _ => false,
    };

    private static bool IsSteady(FilterField field) => Steady.Contains(field.Name);
}
