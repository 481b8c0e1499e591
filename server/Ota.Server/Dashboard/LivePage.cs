using Microsoft.AspNetCore.Components;
using Radzen;

namespace Ota.Server.Dashboard;

/// <summary>A page that follows what it shows: it loads, then looks at every beat whether its mark has changed, and loads again if it has.</summary>
public abstract class LivePage : ComponentBase, IDisposable
{
    private IDisposable? _beat;
    private long _mark;

    [Inject] private IServiceProvider Services { get; set; } = null!;

    [Inject] private NotificationService Notifications { get; set; } = null!;

    /// <summary>What was loaded is from a moment when this was so; from memory, and cheap.</summary>
    protected abstract long Mark();

    /// <summary>Reads what the page shows.</summary>
    protected abstract Task LoadAsync();

    protected override async Task OnInitializedAsync()
    {
        await ReloadAsync();
        _beat = Services.GetRequiredService<Pulse>().Every(() => InvokeAsync(LookAsync));
    }

    protected async Task ReloadAsync()
    {
        // Read first: what changes while it loads, is loaded again.
        _mark = Mark();
        await LoadAsync();
    }

    /// <summary>Says that a deed was done, or why not.</summary>
    protected bool Tell(string? refusal, string done)
    {
        Notifications.Notify(new NotificationMessage
        {
            Severity = refusal is null ? NotificationSeverity.Success : NotificationSeverity.Error,
            Summary = refusal is null ? done : "Refused",
            Detail = refusal ?? "",
            Duration = refusal is null ? 4000 : 12000,
        });
        return refusal is null;
    }

    private async Task LookAsync()
    {
        if (Mark() != _mark)
            await ReloadAsync();
        // Also without news: it says how long ago things were.
        StateHasChanged();
    }

    public void Dispose()
    {
        _beat?.Dispose();
        GC.SuppressFinalize(this);
    }
}
