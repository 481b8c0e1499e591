using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Ota.Agent.Tests.Contract;

/// <summary>
/// Holds the firmware, as compiled for .NET nanoFramework, to what exists and works on the device. The compiler is no
/// judge of that: it compiles against our own declarations, and some of what it emits fails only when it runs.
/// </summary>
public sealed class FirmwareContractTests
{
    private static readonly DeviceApi Api = DeviceApi.Read();
    private static readonly string Contract = Path.Combine(DeviceApi.Repository, "firmware/contract");

    public static TheoryData<string> Firmware => Assemblies(own: true);

    public static TheoryData<string> Declarations => Assemblies(own: false);

    [Fact]
    public void The_firmware_and_its_declarations_are_compiled()
    {
        Assert.Equal(["Ota.Agent", "Ota.Esp32", "Ota.Recovery", "Ota.Sample"], Firmware.Select(row => row.Data));
        Assert.Contains("mscorlib", Declarations.Select(row => row.Data));
    }

    [Theory]
    [MemberData(nameof(Firmware))]
    public void Every_type_and_member_the_firmware_names_exists_on_the_device(string assembly)
    {
        using var module = Open(assembly);
        var missing = module.GetTypeReferences().Where(type => !IsOurs(type) && !Api.Has(type)).Select(t => t.FullName)
            .Concat(module.GetMemberReferences().Where(member => !IsOurs(member.DeclaringType) && !Api.Has(member))
                .Select(member => member.FullName));

        Assert.Empty(missing);
    }

    [Theory]
    [MemberData(nameof(Firmware))]
    public void The_firmware_refers_to_assemblies_of_the_device_only(string assembly)
    {
        using var module = Open(assembly);

        Assert.DoesNotContain(module.AssemblyReferences, reference =>
            !Api.Assemblies.Contains(reference.Name) && !Firmware.Any(row => row.Data == reference.Name));
    }

    [Theory]
    [MemberData(nameof(Firmware))]
    public void Nothing_in_the_firmware_is_generic(string assembly)
    {
        using var module = Open(assembly);
        var generic = Types(module).Where(type => type.HasGenericParameters).Select(type => type.FullName)
            .Concat(Methods(module).Where(method => method.HasGenericParameters).Select(method => method.FullName))
            .Concat(Named(module).Where(type => type.ContainsGenericParameter || type.IsGenericInstance || type.HasGenericParameters)
                .Select(type => type.FullName));

        Assert.Empty(generic);
    }

    [Theory]
    [MemberData(nameof(Firmware))]
    public void The_firmware_has_no_multi_dimensional_arrays_and_no_pointers(string assembly)
    {
        using var module = Open(assembly);

        Assert.DoesNotContain(Named(module), type =>
            type is ArrayType { Rank: > 1 } or PointerType or FunctionPointerType or PinnedType
            || type is IModifierType);
    }

    [Theory]
    [MemberData(nameof(Firmware))]
    public void The_firmware_uses_no_instruction_that_the_interpreter_lacks(string assembly)
    {
        using var module = Open(assembly);

        // checked arithmetic does not throw there, and the others are not implemented.
        var refused = Instructions(module).Where(i => i.OpCode.Name.Contains(".ovf", StringComparison.Ordinal)
            || i.OpCode.Code is Code.Calli or Code.Cpblk or Code.Initblk or Code.Localloc or Code.Arglist or Code.Mkrefany
                or Code.Refanytype or Code.Refanyval or Code.Jmp or Code.Ckfinite or Code.Tail or Code.Cpobj);

        Assert.Empty(refused);
    }

    [Theory]
    [MemberData(nameof(Firmware))]
    public void No_attribute_is_embedded_by_the_compiler_and_no_type_of_ours_poses_as_the_systems(string assembly)
    {
        using var module = Open(assembly);

        Assert.DoesNotContain(Types(module), type => !type.IsNested && (
            type.Namespace.StartsWith("System", StringComparison.Ordinal)
            || type.Namespace.StartsWith("Microsoft", StringComparison.Ordinal)
            || type.Namespace.StartsWith("nanoFramework", StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Firmware))]
    public void The_metadata_processor_takes_the_firmware(string assembly)
    {
        using var module = Open(assembly);

        // Its tables count instance, virtual and static methods of a type, locals and arguments in a byte each.
        Assert.DoesNotContain(Types(module), type => type.Methods.Count > 250);
        Assert.DoesNotContain(Methods(module), method => method.Parameters.Count > 250);
        Assert.DoesNotContain(Methods(module), method => method.HasBody && method.Body.Variables.Count > 250);
        Assert.DoesNotContain(Methods(module), method => method.HasBody && method.Body.CodeSize > 32_000);
        Assert.DoesNotContain(Methods(module), method => method.IsPInvokeImpl || method.IsUnmanaged);
    }

    [Theory]
    [MemberData(nameof(Declarations))]
    public void No_declaration_offers_more_than_the_device_has(string assembly)
    {
        using var module = Open(assembly);
        var visible = Types(module).Where(type => type.IsPublic || type.IsNestedPublic).ToList();
        var more = visible.Where(type => !Api.Has(assembly, type.FullName)).Select(type => type.FullName)
            .Concat(visible.SelectMany(type => type.Methods).Where(IsVisible).Cast<MemberReference>()
                .Concat(visible.SelectMany(type => type.Fields).Where(field => field.IsPublic && !field.IsSpecialName))
                .Where(member => !Api.Has(assembly, member.FullName))
                .Select(member => member.FullName));

        Assert.Empty(more);
    }

    [Theory]
    [MemberData(nameof(Declarations))]
    public void A_declaration_has_the_name_of_a_real_assembly(string assembly) =>
        Assert.Contains(assembly, Api.Assemblies);

    private static bool IsVisible(MethodDefinition method) => method.IsPublic || method.IsFamily;

    // A reference to our own firmware in another assembly of it.
    private static bool IsOurs(TypeReference type) =>
        type.Scope is ModuleDefinition || type.Scope.Name.StartsWith("Ota.", StringComparison.Ordinal);

    private static IEnumerable<TypeDefinition> Types(ModuleDefinition module) => module.GetTypes();

    private static IEnumerable<MethodDefinition> Methods(ModuleDefinition module) =>
        Types(module).SelectMany(type => type.Methods);

    private static IEnumerable<Instruction> Instructions(ModuleDefinition module) =>
        Methods(module).Where(method => method.HasBody).SelectMany(method => method.Body.Instructions);

    /// <summary>Every type that a signature, a local or an instruction names.</summary>
    private static IEnumerable<TypeReference> Named(ModuleDefinition module) =>
        Types(module).SelectMany(type => type.Fields).Select(field => field.FieldType)
            .Concat(Methods(module).Select(method => method.ReturnType))
            .Concat(Methods(module).SelectMany(method => method.Parameters).Select(parameter => parameter.ParameterType))
            .Concat(Methods(module).Where(method => method.HasBody).SelectMany(method => method.Body.Variables)
                .Select(variable => variable.VariableType))
            .Concat(Instructions(module).Select(i => i.Operand).OfType<TypeReference>())
            .Concat(Instructions(module).Select(i => i.Operand).OfType<MemberReference>()
                .Where(member => member is not TypeReference).Select(member => member.DeclaringType))
            .Concat(Types(module).SelectMany(type => type.Interfaces).Select(one => one.InterfaceType));

    private static ModuleDefinition Open(string assembly) => ModuleDefinition.ReadModule(PathOf(assembly));

    private static string PathOf(string assembly)
    {
        var path = Path.Combine(Contract, assembly, "bin", Configuration, assembly);
        return File.Exists(path + ".exe") ? path + ".exe" : path + ".dll";
    }

    private static string Configuration =>
#if DEBUG
        "Debug";
#else
        "Release";
#endif

    private static TheoryData<string> Assemblies(bool own) =>
        [.. Directory.GetDirectories(Contract).Select(folder => Path.GetFileName(folder))
            .Where(name => name.StartsWith("Ota.", StringComparison.Ordinal) == own && File.Exists(PathOf(name)))
            .Order(StringComparer.Ordinal)];
}
