// Changes the metadata of an HDF5 file and mends its checksums, so that the library believes what it reads. Must not
// use KVAtlas's code or HDF5.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace kvatlas::test {

// A checked block: bytes [begin, end), followed by four bytes of checksum.
struct MetadataBlock {
  std::size_t begin = 0, end = 0;
};

// Bob Jenkins' lookup3 over bytes, as the HDF5 file format specifies.
inline std::uint32_t lookup3(const unsigned char* bytes, std::size_t size) {
  const auto rotate = [](std::uint32_t x, unsigned k) { return x << k | x >> (32U - k); };
  std::uint32_t a = 0xdeadbeef + static_cast<std::uint32_t>(size), b = a, c = a;
  const auto add = [&](std::size_t count) {
    std::array<std::uint32_t, 3> word{};
    for (std::size_t i = 0; i < count; ++i) word[i / 4] += std::uint32_t{bytes[i]} << 8U * (i % 4);
    a += word[0], b += word[1], c += word[2];
  };
  for (; size > 12; size -= 12, bytes += 12) {
    add(12);
    a -= c, a ^= rotate(c, 4), c += b;
    b -= a, b ^= rotate(a, 6), a += c;
    c -= b, c ^= rotate(b, 8), b += a;
    a -= c, a ^= rotate(c, 16), c += b;
    b -= a, b ^= rotate(a, 19), a += c;
    c -= b, c ^= rotate(b, 4), b += a;
  }
  if (size == 0) return c;
  add(size);
  c ^= b, c -= rotate(b, 14);
  a ^= c, a -= rotate(c, 11);
  b ^= a, b -= rotate(a, 25);
  c ^= b, c -= rotate(b, 16);
  a ^= c, a -= rotate(c, 4);
  b ^= a, b -= rotate(a, 14);
  c ^= b, c -= rotate(b, 24);
  return c;
}

inline std::uint32_t checksumOf(const std::string& file, const MetadataBlock& block) {
  return lookup3(reinterpret_cast<const unsigned char*>(file.data()) + block.begin, block.end - block.begin);
}

inline std::uint32_t storedChecksum(const std::string& file, const MetadataBlock& block) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(file[block.end + i])} << 8U * i;
  return value;
}

inline void mendChecksum(std::string& file, const MetadataBlock& block) {
  const std::uint32_t value = checksumOf(file, block);
  for (unsigned i = 0; i < 4; ++i) file[block.end + i] = static_cast<char>(value >> 8U * i);
}

// Superblock, object headers, and the headers of chunk indexes: every block whose checksum is right.
inline std::vector<MetadataBlock> metadataBlocks(const std::string& file) {
  std::vector<MetadataBlock> blocks;
  const auto consider = [&](std::size_t begin, std::size_t size) {
    const MetadataBlock block{begin, begin + size};
    if (block.end + 4 <= file.size() && storedChecksum(file, block) == checksumOf(file, block)) blocks.push_back(block);
  };
  consider(0, 44);
  for (std::size_t at = 0; at + 16 < file.size(); ++at) {
    const std::string_view sign = std::string_view(file).substr(at, 4);
    if (sign == "EAHD") consider(at, 68);
    if (sign == "FAHD") consider(at, 24);
    if (sign == "BTHD") consider(at, 34);
    if (sign != "OHDR") continue;
    const auto flags = static_cast<unsigned char>(file[at + 5]);
    const std::size_t width = std::size_t{1} << (flags & 3U);
    const std::size_t from = at + 6 + (flags & 0x20U ? 16U : 0U) + (flags & 0x10U ? 4U : 0U);
    std::size_t length = 0;
    for (std::size_t i = 0; i < width && i < 4; ++i)
      length |= std::size_t{static_cast<unsigned char>(file[from + i])} << 8 * i;
    consider(at, from - at + width + length);
  }
  return blocks;
}

// A copy with up to three bytes of one block changed to values that hurt.
inline std::string withLie(const std::string& file, const std::vector<MetadataBlock>& blocks, std::mt19937& random) {
  constexpr std::array<unsigned char, 8> kValues{0, 0xFF, 1, 0x7F, 0x80, 0x20, 0xFE, 2};
  std::string lying = file;
  const MetadataBlock& block = blocks[random() % blocks.size()];
  for (std::size_t changes = 1 + random() % 3; changes > 0; --changes)
    lying[block.begin + 4 + random() % (block.end - block.begin - 4)] =
        static_cast<char>(kValues[random() % kValues.size()]);
  mendChecksum(lying, block);
  return lying;
}

// A copy whose extensible chunk indexes have no elements in a block, for which HDF5 1.10 divides by zero.
inline std::string withEmptyIndexBlocks(const std::string& file, const std::vector<MetadataBlock>& blocks) {
  std::string lying = file;
  for (const MetadataBlock& block : blocks) {
    if (std::string_view(file).substr(block.begin, 4) != "EAHD") continue;
    lying[block.begin + 8] = lying[block.begin + 9] = 0;  // elements of the index block, least of a data block
    mendChecksum(lying, block);
  }
  return lying;
}

// A copy in which the attribute `name` of an object header claims a description that is 256 bytes longer than it is:
// HDF5 1.10 reads the value from behind the header.
inline std::string withFartherValue(const std::string& file, const std::vector<MetadataBlock>& blocks,
                                    const std::string& name) {
  std::string lying = file;
  for (const MetadataBlock& block : blocks) {
    const std::size_t at = file.find(name + '\0', block.begin);
    if (file.compare(block.begin, 4, "OHDR") != 0 || at >= block.end) continue;
    lying[at - 2] = 1;  // of the 16-bit size of the dataspace, which stands before the name and its character set
    mendChecksum(lying, block);
    break;
  }
  return lying;
}

// A copy whose fixed chunk indexes, and their data blocks, claim to have no element: HDF5 1.10 looks them up all the
// same.
inline std::string withEmptyFixedIndexes(const std::string& file, const std::vector<MetadataBlock>& blocks) {
  constexpr std::size_t kPrefix = 14;  // of a data block: "FADB", version, client, address of the header
  std::string lying = file;
  for (const MetadataBlock& block : blocks) {
    if (std::string_view(file).substr(block.begin, 4) != "FAHD") continue;
    std::size_t data = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      lying[block.begin + 8 + i] = 0;
      data |= std::size_t{static_cast<unsigned char>(file[block.begin + 16 + i])} << 8 * i;
    }
    mendChecksum(lying, block);
    if (data + kPrefix + 4 <= file.size()) mendChecksum(lying, {data, data + kPrefix});
  }
  return lying;
}

}  // namespace kvatlas::test
