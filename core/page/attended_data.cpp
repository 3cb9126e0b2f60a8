#include "core/page/attended_data.h"

#include <vector>

#include "core/page/packing.h"

namespace kvatlas::page {

std::string packAttended(const trace::Reader& reader, const PageContent& content, std::size_t run, std::size_t steps,
                         std::uint64_t most_bytes) {
  const std::size_t per_head = reader.header().runs[run].attended;
  const std::uint64_t size =
      std::uint64_t{steps} * content.layers.size() * content.heads.size() * per_head * kAttendedBytes;
  if (size == 0 || base64Size(size) > most_bytes) return {};
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t row = 0; row < content.layers.size(); ++row) {
    const auto layer = reader.attended(run, content.layers[row]);
    if (!layer || layer->steps() != steps || layer->per_head != per_head) return {};
    for (std::size_t step = 0; step < steps; ++step) {
      for (std::size_t column = 0; column < content.heads.size(); ++column) {
        const std::size_t from = layer->at(step, content.heads[column].value);
        std::uint8_t* to =
            &bytes[((step * content.layers.size() + row) * content.heads.size() + column) * per_head * kAttendedBytes];
        for (std::size_t k = 0; k < per_head; ++k, to += kAttendedBytes) {
          const TokenIndex position = layer->positions[from + k];
          for (unsigned i = 0; i < 4; ++i) to[i] = static_cast<std::uint8_t>(position >> (8 * i));
          to[4] = byteOfProbability(double{layer->mass[from + k]});
        }
      }
    }
  }
  return base64(bytes);
}

}  // namespace kvatlas::page
