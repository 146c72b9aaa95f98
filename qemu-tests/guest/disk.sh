# make_disk OUT ESP_TREE ROOT_TREE ROOT_MB JOURNAL_MB [DATA_MB]: a GPT disk image with a FAT EFI system partition (16 MiB, offset 1 MiB), an ext4
# root labelled hv-root behind it, an empty partition for Hv's journal and, last, an empty ext4 partition named "data", made without loop devices.
# Sourced by the guest recipes.
ROOT_UUID=5ad0eb00-0000-4000-8000-000000000002
DATA_UUID=5ad0eb00-0000-4000-8000-000000000003
ESP_ID=5AD0EB01
ESP_MB=16
JOURNAL_TYPE=48764A72-6E6C-4D31-9C5E-0B7A53D1F2A6      # shadow/journal/JournalPartition.cs

make_disk() {
    local out=$1 esp=$2 root=$3 root_mb=$4 journal_mb=$5 data_mb=${6:-0} sectors_per_mb=2048
    local esp_start=$sectors_per_mb esp_size=$((ESP_MB * sectors_per_mb))
    local root_start=$((esp_start + esp_size)) root_size=$((root_mb * sectors_per_mb))
    local journal_start=$((root_start + root_size)) journal_size=$((journal_mb * sectors_per_mb))
    local data_start=$((journal_start + journal_size)) data_size=$((data_mb * sectors_per_mb)) data=
    if [ "$data_mb" != 0 ]; then
        data="start=$data_start, size=$data_size, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name=\"data\""
    fi
    rm -f "$out"
    truncate -s $(((1 + ESP_MB + root_mb + journal_mb + data_mb + 1) * 1024 * 1024)) "$out"
    sfdisk --quiet "$out" <<S
label: gpt
start=$esp_start, size=$esp_size, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="EFI"
start=$root_start, size=$root_size, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name="root"
start=$journal_start, size=$journal_size, type=$JOURNAL_TYPE, name="Hv journal"
$data
S
    truncate -s "${ESP_MB}M" "$out.esp"
    mkfs.vfat -i "$ESP_ID" -n EFI "$out.esp" >/dev/null
    (cd "$esp" && mcopy -s -Q -i "$out.esp" ./* ::)
    dd if="$out.esp" of="$out" bs=1M seek=1 conv=notrunc,sparse status=none
    rm -f "$out.esp"
    mke2fs -q -t ext4 -U "$ROOT_UUID" -L hv-root -E "offset=$((root_start * 512)),hash_seed=$ROOT_UUID,lazy_itable_init=0,lazy_journal_init=0" \
        -d "$root" "$out" "$((root_mb * 1024))k"
    if [ "$data_mb" != 0 ]; then
        mke2fs -q -t ext4 -U "$DATA_UUID" -L hv-data -E "offset=$((data_start * 512)),hash_seed=$DATA_UUID,lazy_itable_init=0,lazy_journal_init=0" \
            "$out" "$((data_mb * 1024))k"
    fi
}
