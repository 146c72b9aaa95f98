using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Hv.Imaging;
using Xunit;

namespace Hv.HostTests.MkImage;

public sealed class BootImageTests : IDisposable
{
    private const int SectorSize = 512;
    private const int PartitionStart = 2048;
    private readonly string _folder = Directory.CreateTempSubdirectory("hv-image-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Files_come_back_as_they_went_in()
    {
        List<ImageFile> files = ManyFiles(seed: 1);
        BootImage image = BootImage.Read(Make(files));
        Assert.Equal("HV", image.Label);
        Assert.Equal(files.Select(file => file.Path).Order(StringComparer.Ordinal), image.Files.Select(file => file.Path).Order(StringComparer.Ordinal));
        foreach (ImageFile file in image.Files)
            Assert.Equal(files.Single(one => one.Path == file.Path).Contents, file.Contents);
    }

    [Fact]
    public void The_same_files_give_the_same_image_in_any_order()
    {
        List<ImageFile> files = ManyFiles(seed: 2);
        byte[] first = Make(files).ToArray();
        files.Reverse();
        Assert.True(first.AsSpan().SequenceEqual(Make(files).ToArray()));
    }

    [Fact]
    public void Other_contents_give_other_identifiers()
    {
        BootImage one = BootImage.Read(Make([new ImageFile(BootImage.LoaderPath, [1])]));
        BootImage two = BootImage.Read(Make([new ImageFile(BootImage.LoaderPath, [2])]));
        Assert.NotEqual(one.Table.DiskId, two.Table.DiskId);
        Assert.NotEqual(one.Partition.Id, two.Partition.Id);
    }

    [NeedsToolFact("fsck.fat", "dosfstools")]
    public void Fsck_finds_nothing_to_complain_about()
    {
        foreach (int mebibytes in new[] { 0, 37, 64, 259, 300, 600 })
        {
            MemoryStream image = Make(ManyFiles(seed: 3), mebibytes);
            string path = Path.Combine(_folder, "partition");
            using (FileStream partition = File.Create(path))
                partition.Write(image.GetBuffer(), PartitionStart * SectorSize, (int)BootImage.Read(image).Partition.SectorCount * SectorSize);
            (int code, string output) = Tool.Run("fsck.fat", "-n", "-V", path);
            Assert.True(code == 0, output);
            Assert.DoesNotContain("differ", output, StringComparison.OrdinalIgnoreCase);
        }
    }

    [NeedsToolFact("sgdisk", "gdisk")]
    public void Sgdisk_finds_nothing_to_complain_about()
    {
        foreach (int mebibytes in new[] { 0, 37, 300 })
        {
            string path = Save(Make(ManyFiles(seed: 4), mebibytes));
            (int code, string output) = Tool.Run("sgdisk", "-v", path);
            Assert.True(code == 0 && output.Contains("No problems found", StringComparison.Ordinal), output);
            (_, output) = Tool.Run("sgdisk", "-p", path);
            Assert.Contains("EF00  Hv", output, StringComparison.Ordinal);
        }
    }

    [NeedsToolFact("mcopy", "mtools")]
    public void Mtools_reads_the_same_files()
    {
        List<ImageFile> files = ManyFiles(seed: 5);
        string image = Save(Make(files)) + "@@" + PartitionStart * SectorSize;
        string target = Path.Combine(_folder, "copied");
        foreach (ImageFile file in files)
        {
            (int code, string output) = Tool.Run("mcopy", "-n", "-o", "-i", image, "::/" + file.Path, target);
            Assert.True(code == 0, output);
            Assert.Equal(file.Contents, File.ReadAllBytes(target));
        }
    }

    [Theory]
    [InlineData(0, 446 + 4, "protective MBR")]
    [InlineData(1, 56, "primary")]
    [InlineData(2, 0, "entries of the primary")]
    [InlineData(-33, 40, "entries of the backup")]
    [InlineData(-1, 72, "backup")]
    [InlineData(PartitionStart, 13, "FAT32")]
    [InlineData(PartitionStart + 6, 90, "boot sector")]
    [InlineData(PartitionStart + 32, 12, "allocation tables")]
    [InlineData(PartitionStart + 1, 488, "free clusters")]
    public void Damage_is_found(int sector, int offset, string part)
    {
        MemoryStream image = Make([new ImageFile(BootImage.LoaderPath, new byte[5000])]);
        BootImage.Read(image);
        long sectors = image.Length / SectorSize;
        image.GetBuffer()[(sector < 0 ? sectors + sector : sector) * SectorSize + offset] ^= 0x40;
        var problem = Assert.Throws<ImageException>(() => BootImage.Read(image));
        Assert.Contains(part, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Random_damage_is_reported_and_nothing_else()
    {
        var random = new Random(6);
        byte[] good = Make(ManyFiles(seed: 6)).ToArray();
        for (int round = 0; round < 100; round++)
        {
            byte[] bad = good.ToArray();
            for (int i = 0; i < 4; i++)
                bad[random.Next(2) == 0 ? random.Next(34 * SectorSize) : random.Next(PartitionStart * SectorSize, (PartitionStart + 2000) * SectorSize)] = (byte)random.Next(256);
            try
            {
                BootImage.Read(new MemoryStream(bad));
            }
            catch (ImageException)
            {
                // The only exception that may come.
            }
        }
    }

    [Theory]
    [InlineData("EFI/BOOT/bootx64.efi", "twice")]
    [InlineData("EFI/BOOT/BOOTX64.EFI/more", "file and a directory")]
    [InlineData("efi", "twice")]
    [InlineData("a:b", "cannot be a file name")]
    [InlineData("ends.", "cannot be a file name")]
    [InlineData("x/../y", "cannot be a file name")]
    [InlineData("/", "no name")]
    public void Impossible_files_are_refused(string path, string reason)
    {
        var problem = Assert.Throws<ImageException>(() => Make([new ImageFile(BootImage.LoaderPath, [1]), new ImageFile(path, [2])]));
        Assert.Contains(reason, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_do_not_fit_are_refused()
    {
        Assert.Throws<ImageException>(() => Make([new ImageFile(BootImage.LoaderPath, new byte[40 << 20])], 40));
        Assert.Throws<ImageException>(() => Make([new ImageFile(BootImage.LoaderPath, [1])], 35));
    }

    [Fact]
    public void The_default_size_is_just_enough()
    {
        foreach (int mebibytes in new[] { 0, 30, 33, 34, 35, 50 })
        {
            List<ImageFile> files = [new(BootImage.LoaderPath, new byte[mebibytes << 20])];
            long size = BootImage.SizeFor(files);
            Assert.InRange(size >> 20, Math.Max(36, mebibytes + 2), Math.Max(36, mebibytes + 5));
            Assert.Single(BootImage.Read(Make(files)).Files);
        }
    }

    private string Save(MemoryStream image)
    {
        string path = Path.Combine(_folder, "image");
        File.WriteAllBytes(path, image.ToArray());
        return path;
    }

    private static MemoryStream Make(IReadOnlyCollection<ImageFile> files, int mebibytes = 0)
    {
        var image = new MemoryStream();
        BootImage.Create(image, mebibytes == 0 ? BootImage.SizeFor(files) : (long)mebibytes << 20, files);
        return image;
    }

    // Names of every kind: 8.3, lower case, long, clashing short names, exactly 13 and 26 characters, not ASCII; deep and full directories.
    private static List<ImageFile> ManyFiles(int seed)
    {
        var random = new Random(seed);
        var files = new List<ImageFile>();
        string[] names =
        [
            BootImage.LoaderPath, "hv.conf", "README", ".hidden", "no-extension-but-long", "two.dots.in.name", "thirteen13.tx",
            "twenty-six-characters-2.tx", "spaces in it.txt", "grüße.txt", "a/b/c/d/e/f/deep.bin", "long directory name/Mixed.Case",
            new string('x', 255), "empty",
        ];
        foreach (string name in names)
            files.Add(new ImageFile(name, Bytes(random, name == "empty" ? 0 : random.Next(1, 20_000))));
        files.Add(new ImageFile("one-cluster", Bytes(random, 512)));
        files.Add(new ImageFile("four-kilobytes", Bytes(random, 4096)));
        for (int i = 0; i < 150; i++)
            files.Add(new ImageFile($"many/similar name number {i}.data", Encoding.ASCII.GetBytes("file " + i)));
        return files;
    }

    private static byte[] Bytes(Random random, int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
