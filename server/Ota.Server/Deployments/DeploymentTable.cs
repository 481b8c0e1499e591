using System.Data.Common;
using Dapper;

namespace Ota.Server.Deployments;

/// <summary>The rows of deployments and orders.</summary>
internal static class DeploymentTable
{
    private const string Columns =
        """
        id, rollout, device, product, release, state, detail, created, created_by, offered, ended,
        order_number, order_issued, order_expires, action, reason, deadline, first_order, returns, transfer_to, deferred, wave, purpose,
        fetches, two_step
        """;

    private const string InsertSql =
        $"""
        INSERT INTO deployments ({Columns})
        VALUES (@Id, @Rollout, @Device, @Product, @Release, @State, @Detail, @Created, @CreatedBy, @Offered, @Ended,
                @OrderNumber, @OrderIssued, @OrderExpires, @Action, @Reason, @Deadline, @FirstOrder, @Returns, @TransferTo, @Deferred, @Wave, @Purpose,
                @Fetches, @TwoStep)
        """;

    private const string UpdateSql =
        """
        UPDATE deployments SET state = @State, detail = @Detail, offered = @Offered, ended = @Ended,
               order_number = @OrderNumber, order_issued = @OrderIssued, order_expires = @OrderExpires,
               first_order = @FirstOrder, returns = @Returns, deferred = @Deferred, fetches = @Fetches
        WHERE id = @Id AND ended IS NULL
        """;

    private const string ReopenSql = "UPDATE deployments SET ended = NULL WHERE id = @id";

    private const string LastRecoverySql =
        $"SELECT {Columns} FROM deployments WHERE device = @device AND action = 'recover' ORDER BY id DESC LIMIT 1";

    private const string OpenSql = $"SELECT {Columns} FROM deployments WHERE ended IS NULL";

    private const string OpenOfSql = $"SELECT {Columns} FROM deployments WHERE device = @device AND ended IS NULL";

    private const string OneSql = $"SELECT {Columns} FROM deployments WHERE id = @id";

    private const string MayBeginSql =
        """
        SELECT 1 WHERE (@Release IS NULL OR EXISTS (
               SELECT 1 FROM releases r JOIN images i ON i.sha256 = r.image WHERE r.id = @Release AND r.withdrawn IS NULL AND i.deleted IS NULL))
           AND (@Rollout IS NULL OR EXISTS (SELECT 1 FROM rollouts WHERE id = @Rollout
                AND ((@Purpose = 'return' AND state = 'returning') OR (@Purpose <> 'return' AND state IN ('active', 'completed')))))
        """;

    private const string ArmedSinceSql = "SELECT count(*) FROM deployments WHERE action <> 'install' AND created > @since";

    private const string OrderSql =
        """
        INSERT INTO orders (device, number, deployment, action, release, issued, expires)
        VALUES (@device, @number, @deployment, @action, @release, @issued, @expires)
        """;

    public static void Insert(DbConnection connection, Deployment deployment) =>
        connection.Execute(InsertSql, Row.Of(deployment));

    /// <summary>False when its release was withdrawn, its image given up or its rollout ended meanwhile.</summary>
    public static bool MayBegin(DbConnection connection, Deployment deployment) =>
        connection.ExecuteScalar<long?>(MayBeginSql, new { deployment.Release, deployment.Rollout, Purpose = DeploymentWords.Of(deployment.Purpose) }) == 1;

    /// <summary>How many recoveries and decommissions were armed since then, whatever became of them.</summary>
    public static long ArmedSince(DbConnection connection, DateTimeOffset since) =>
        connection.ExecuteScalar<long>(ArmedSinceSql, new { since = since.ToUnixTimeMilliseconds() });

    /// <summary>Writes what changed; false when it was over already.</summary>
    public static bool Update(DbConnection connection, Deployment deployment) =>
        connection.Execute(UpdateSql, Row.Of(deployment)) > 0;

    /// <summary>Makes one that was over the open one of its device, which has no other.</summary>
    public static void Reopen(DbConnection connection, long id) => connection.Execute(ReopenSql, new { id });

    /// <summary>The latest recovery of a device, open or over; null when it had none.</summary>
    public static Deployment? LastRecovery(DbConnection connection, string device) =>
        connection.QuerySingleOrDefault<Row>(LastRecoverySql, new { device })?.ToDeployment();

    public static IReadOnlyList<Deployment> AllOpen(DbConnection connection) =>
        [.. connection.Query<Row>(OpenSql).Select(row => row.ToDeployment())];

    public static Deployment? OpenOf(DbConnection connection, string device) =>
        connection.QuerySingleOrDefault<Row>(OpenOfSql, new { device })?.ToDeployment();

    public static Deployment? Find(DbConnection connection, long id) =>
        connection.QuerySingleOrDefault<Row>(OneSql, new { id })?.ToDeployment();

    public static IReadOnlyList<Deployment> Query(DbConnection connection, DeploymentFilter filter)
    {
        const string sql =
            $"""
            SELECT {Columns} FROM deployments
            WHERE (@Product IS NULL OR product = @Product) AND (@Device IS NULL OR device = @Device)
              AND (@Rollout IS NULL OR rollout = @Rollout)
              AND (@State IS NULL OR (@States LIKE '%,' || state || ',%' AND (@Own = 0 OR action <> 'install')))
            ORDER BY id DESC LIMIT @Limit
            """;
        var (states, own) = DeploymentWords.StatesOf(filter.State ?? "");
        return [.. connection.Query<Row>(sql, new
        {
            filter.Product, filter.Device, filter.Rollout, filter.State, filter.Limit, States = "," + string.Join(',', states) + ",", Own = own ? 1 : 0,
        }).Select(row => row.ToDeployment())];
    }

    /// <summary>Keeps an order before it is handed out; the number can never be handed out again.</summary>
    public static void InsertOrder(DbConnection connection, Order order) =>
        connection.Execute(OrderSql, new
        {
            device = order.Device,
            number = order.Number,
            deployment = order.Deployment,
            action = order.Action,
            release = order.Release,
            issued = order.Issued.ToUnixTimeMilliseconds(),
            expires = order.Expires.ToUnixTimeMilliseconds(),
        });

    /// <summary>As it stands in the database.</summary>
    private sealed class Row
    {
        public long Id { get; init; }

        public long? Rollout { get; init; }

        public string Device { get; init; } = "";

        public string Product { get; init; } = "";

        public string? Release { get; init; }

        public string State { get; init; } = "";

        public string? Detail { get; init; }

        public long Created { get; init; }

        public string CreatedBy { get; init; } = "";

        public long? Offered { get; init; }

        public long? Ended { get; init; }

        public long OrderNumber { get; init; }

        public long OrderIssued { get; init; }

        public long OrderExpires { get; init; }

        public string Action { get; init; } = "";

        public string? Reason { get; init; }

        public long? Deadline { get; init; }

        public long FirstOrder { get; init; }

        public string? Returns { get; init; }

        public string? TransferTo { get; init; }

        public long? Deferred { get; init; }

        public long? Wave { get; init; }

        public string Purpose { get; init; } = "";

        public long Fetches { get; init; }

        public long TwoStep { get; init; }

        public static Row Of(Deployment deployment) => new()
        {
            Id = deployment.Id,
            Rollout = deployment.Rollout,
            Device = deployment.Device,
            Product = deployment.Product,
            Release = deployment.Release,
            State = DeploymentWords.Of(deployment.State),
            Detail = deployment.Detail,
            Created = deployment.Created.ToUnixTimeMilliseconds(),
            CreatedBy = deployment.CreatedBy,
            Offered = deployment.Offered?.ToUnixTimeMilliseconds(),
            Ended = deployment.Ended?.ToUnixTimeMilliseconds(),
            OrderNumber = deployment.OrderNumber,
            OrderIssued = deployment.OrderIssued.ToUnixTimeMilliseconds(),
            OrderExpires = deployment.OrderExpires.ToUnixTimeMilliseconds(),
            Action = DeploymentWords.Of(deployment.Action),
            Reason = deployment.Reason,
            Deadline = deployment.Deadline?.ToUnixTimeMilliseconds(),
            FirstOrder = deployment.FirstOrder,
            Returns = deployment.Returns,
            TransferTo = deployment.TransferTo,
            Deferred = deployment.Deferred?.ToUnixTimeMilliseconds(),
            Wave = deployment.Wave,
            Purpose = DeploymentWords.Of(deployment.Purpose),
            Fetches = deployment.Fetches,
            TwoStep = deployment.IsTwoStep ? 1 : 0,
        };

        public Deployment ToDeployment() => new(
            Id,
            Rollout,
            Device,
            Product,
            Release,
            DeploymentWords.Parse(State),
            Detail,
            DateTimeOffset.FromUnixTimeMilliseconds(Created),
            CreatedBy,
            Offered is { } offered ? DateTimeOffset.FromUnixTimeMilliseconds(offered) : null,
            Ended is { } ended ? DateTimeOffset.FromUnixTimeMilliseconds(ended) : null,
            OrderNumber,
            DateTimeOffset.FromUnixTimeMilliseconds(OrderIssued),
            DateTimeOffset.FromUnixTimeMilliseconds(OrderExpires))
        {
            Action = Enum.Parse<DeploymentAction>(Action, ignoreCase: true),
            Reason = Reason,
            Deadline = Deadline is { } deadline ? DateTimeOffset.FromUnixTimeMilliseconds(deadline) : null,
            FirstOrder = FirstOrder,
            Returns = Returns,
            TransferTo = TransferTo,
            Deferred = Deferred is { } deferred ? DateTimeOffset.FromUnixTimeMilliseconds(deferred) : null,
            Wave = (int?)Wave,
            Purpose = Enum.Parse<DeploymentPurpose>(Purpose, ignoreCase: true),
            Fetches = (int)Fetches,
            IsTwoStep = TwoStep != 0,
        };
    }
}

/// <summary>Which deployments to list; null means any.</summary>
internal sealed record DeploymentFilter(string? Product, string? Device, long? Rollout, string? State, int Limit);
