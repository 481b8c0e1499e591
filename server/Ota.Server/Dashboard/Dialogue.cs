using Radzen;

namespace Ota.Server.Dashboard;

/// <summary>How dialogs look: one way for all.</summary>
internal static class Dialogue
{
    public static DialogOptions Options => new() { Width = "min(560px, 94vw)", CloseDialogOnEsc = true, AutoFocusFirstElement = true };
}
