using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Hv.ShadowControl;
using Xunit;

namespace Hv.HostTests.Shadowctl;

public sealed class ConfigurationParserTests
{
    [Fact]
    public void An_empty_file_is_the_default()
    {
        Configuration configuration = Good("");
        Assert.Empty(configuration.Partitions);
        Assert.Equal(["/home", "/root"], configuration.CarriedDirectories);
        Assert.Empty(configuration.FailedUnits);
        Assert.Contains("systemd-networkd-wait-online.service", configuration.NetworkWaits);
        Assert.Equal(["networking.service"], configuration.NetworkSkips);
    }

    [Fact]
    public void Units_that_wait_for_the_network_are_named_in_place_of_the_usual_ones()
    {
        Configuration configuration = Good("wait-for-network = a.service b@.service\nwait-for-network = c.service\nskip-until-network = none\n");
        Assert.Equal(["a.service", "b@.service", "c.service"], configuration.NetworkWaits);
        Assert.Empty(configuration.NetworkSkips);
    }

    [Fact]
    public void A_unit_that_usually_waits_can_be_skipped()
    {
        Configuration configuration = Good("skip-until-network = NetworkManager-wait-online.service\n");
        Assert.DoesNotContain("NetworkManager-wait-online.service", configuration.NetworkWaits);
        Assert.Contains("systemd-networkd-wait-online.service", configuration.NetworkWaits);
        Assert.Equal(["NetworkManager-wait-online.service"], configuration.NetworkSkips);
    }

    [Fact]
    public void Everything_that_can_be_said_is_understood()
    {
        Configuration configuration = Good("""
            # a comment
            data = /srv/data/          # one at the end of a line
              data=UUID=0F3C9A1E-11de-4c56-9b07-6a2f1d2b8c33
            system = PARTUUID=5ad0eb00-0000-4000-8000-000000000009
            data = UUID=4A5B-6C7D
            data = /with space#and=sign

            carry = /home/
            carry = /srv/www
            failed-units = ssh.service, nginx.service
            failed-units = ssh.service postgresql@15-main.service
            """);
        Assert.Equal(
            [
                new PartitionRule(true, PartitionMatch.MountPoint, "/srv/data", 2),
                new PartitionRule(true, PartitionMatch.FileSystem, "0f3c9a1e-11de-4c56-9b07-6a2f1d2b8c33", 3),
                new PartitionRule(false, PartitionMatch.Partition, "5ad0eb00-0000-4000-8000-000000000009", 4),
                new PartitionRule(true, PartitionMatch.FileSystem, "4a5b-6c7d", 5),
                new PartitionRule(true, PartitionMatch.MountPoint, "/with space#and=sign", 6),
            ],
            configuration.Partitions);
        Assert.Equal(["/home", "/srv/www"], configuration.CarriedDirectories);
        Assert.Equal(["ssh.service", "nginx.service", "postgresql@15-main.service"], configuration.FailedUnits);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("rescan = yes\n", true)]
    [InlineData("rescan = no\nrescan = no\n", false)]
    public void Devices_are_looked_for_unless_it_says_no(string text, bool expected) => Assert.Equal(expected, Good(text).RescansPci);

    [Fact]
    public void Nothing_is_carried_if_so_said() => Assert.Empty(Good("carry = none\n").CarriedDirectories);

    [Theory]
    [InlineData("data", "not of the form")]
    [InlineData("wait-for-network = none\nwait-for-network = a.service", "contradicts")]
    [InlineData("skip-until-network = a.service\nskip-until-network = none", "contradicts")]
    [InlineData("wait-for-network = a.service\nskip-until-network = a.service", "cannot both")]
    [InlineData("wait-for-network = eth0", "no name of a unit")]
    [InlineData("data =", "has no value")]
    [InlineData("data = # nothing", "has no value")]
    [InlineData("dta = /home", "'dta' is no key")]
    [InlineData("data = home", "neither an absolute path")]
    [InlineData("data = /srv/../etc", "'..'")]
    [InlineData("data = /srv//data", "empty part")]
    [InlineData("data = /", "root file system cannot be data")]
    [InlineData("data = UUID=xyz", "no UUID of a file system")]
    [InlineData("data = UUID=", "no UUID of a file system")]
    [InlineData("data = PARTUUID=5ad0eb00", "no GUID of a partition")]
    [InlineData("data = /srv\nsystem = /srv", "in line 3 already")]
    [InlineData("carry = relative", "neither an absolute path")]
    [InlineData("carry = /", "whole system")]
    [InlineData("carry = /home\ncarry = /home/me", "overlap")]
    [InlineData("carry = none\ncarry = /home", "line 3 contradicts")]
    [InlineData("carry = /home\ncarry = none", "contradicts the directories")]
    [InlineData("failed-units = ssh", "no name of a unit")]
    [InlineData("failed-units = .service", "no name of a unit")]
    [InlineData("failed-units = a/b.service", "no name of a unit")]
    [InlineData("rescan = maybe", "neither yes nor no")]
    [InlineData("rescan = no\nrescan = yes", "the other value")]
    [InlineData("data = /srv\u0007", "control character")]
    public void What_is_wrong_is_named_with_its_line(string text, string part)
    {
        ConfigurationParser.Parse("# first\n\n" + text, out IReadOnlyList<ConfigurationError> errors);
        ConfigurationError error = Assert.Single(errors);
        Assert.Equal(text.Contains('\n', StringComparison.Ordinal) ? 4 : 3, error.Line);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
        Assert.StartsWith($"/etc/x:{error.Line}: ", error.Format("/etc/x"), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_wrong_line_is_reported()
    {
        ConfigurationParser.Parse("a\nb = 1\ndata = /x\ncarry = y\n", out IReadOnlyList<ConfigurationError> errors);
        Assert.Equal([1, 2, 4], errors.Select(error => error.Line));
    }

    [Fact]
    public void Whatever_the_text_the_parser_gives_checked_values_or_errors()
    {
        var random = new Random(5);
        string[] pieces = ["data", "system", "carry", "failed-units", "=", " ", "\n", "/", "..", "home", "UUID=", "PARTUUID=", "0123-4567", "none", "#", "a.service", "\0", "\u00e4", "\r"];
        for (int i = 0; i < 20_000; i++)
        {
            var text = new StringBuilder();
            for (int n = random.Next(30); n > 0; n--)
                text.Append(random.Next(8) == 0 ? ((char)random.Next(0x300)).ToString() : pieces[random.Next(pieces.Length)]);
            Configuration configuration = ConfigurationParser.Parse(text.ToString(), out IReadOnlyList<ConfigurationError> errors);
            int lines = text.ToString().Split('\n').Length;
            Assert.All(errors, error => Assert.InRange(error.Line, 1, lines));
            Assert.All(configuration.CarriedDirectories, path => Assert.True(path.Length > 1 && path[0] == '/' && !path.EndsWith('/')));
            Assert.All(configuration.Partitions, rule => Assert.DoesNotContain(rule.Value, char.IsControl));
            Assert.All(configuration.Partitions, rule => Assert.False(rule.IsData && rule.Value == "/"));
        }
    }

    private static Configuration Good(string text)
    {
        Configuration configuration = ConfigurationParser.Parse(text, out IReadOnlyList<ConfigurationError> errors);
        Assert.Empty(errors);
        return configuration;
    }
}
