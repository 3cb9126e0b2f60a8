// The keys and values that all branches hold, as the decode loop sees them: the same on the host and on a device.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "capture/model/decoder.h"
#include "capture/session/top_keys.h"
#include "capture/session/watched_rows.h"
#include "core/cache/erase_rows.h"
#include "core/cache/held_tokens.h"
#include "core/policy/page_reading.h"
#include "core/policy/stored_form.h"

namespace kvatlas::capture {

// What a store is made for. It asks `held` which rows each list has, so that has to live as long and always say what
// the lists hold: after its append(), and after compact() what compact() was told.
struct StoreRequest {
  const ModelConfig& config;
  std::span<const cache::HeldTokens> held;  // [branches]
  std::vector<std::uint32_t> reserve;       // [branches] most tokens that a list holds beside those of the prompt
  unsigned threads = 0;
  // [branches] how queries of generated tokens read; empty: all that they see. Those of a question read everything.
  std::vector<std::optional<policy::PageReading>> reading = {};
};

// The rows that the lists of one branch give up.
struct BranchRows {
  std::size_t branch = 0;
  cache::ListRows rows;
};

// What branches of a step write down beside their outputs; ascending, among those of the step.
struct StepWatch {
  std::span<const std::size_t> probabilities;  // all of them
  std::span<const std::size_t> top;            // the keys with most
};

class BranchStore {
 public:
  virtual ~BranchStore() = default;

  // Copies the rows that every branch holds of the prompt's next layer; once per layer, in order. key, value:
  // [kv_heads, N, d], contiguous. Adds the time of each branch to `seconds` [branches].
  virtual void gather(const at::Tensor& key, const at::Tensor& value, std::span<double> seconds) = 0;

  // Begins a step of these branches (ascending), to whose lists the `tokens` new tokens of each have been appended.
  virtual void beginStep(std::span<const std::size_t> batch, const StepWatch& watch, std::uint32_t tokens) = 0;
  // The new tokens' rows [B · tokens, kv_heads, d], branch after branch.
  virtual void append(LayerIndex layer, const at::Tensor& key, const at::Tensor& value) = 0;
  // query [B · tokens, query_heads, d]; returns the same shape, valid until the next call. Each token sees those before
  // it. `rows` (of watch.probabilities) is laid out for the layer and filled.
  [[nodiscard]] virtual at::Tensor attend(LayerIndex layer, const at::Tensor& query, WatchedRows& rows) = 0;
  // The rows of its list that a query of a branch's last token read in the layer that attended last, ascending; empty:
  // all that it sees. Valid until the next call of attend().
  [[nodiscard]] virtual std::span<const std::uint32_t> readRows(std::size_t /*branch*/,
                                                                std::uint32_t /*query_head*/) const {
    return {};
  }
  // Of watch.top, once all layers have attended; valid until the next step.
  [[nodiscard]] virtual const TopKeys& topKeys() = 0;

  // Lets `change` alter rows of one list, on the host; between steps, or once the layer is gathered. Two lists may be
  // edited one inside the other, different ones at the same time where editsAtOnce() says so.
  using Change = std::function<void(const policy::ListEntries&)>;
  virtual void edit(std::size_t branch, LayerIndex layer, std::uint32_t head, policy::RowRange rows,
                    const Change& change) = 0;
  [[nodiscard]] virtual bool editsAtOnce() const = 0;

  // Between steps, before the held tokens give these rows up.
  virtual void compact(std::span<const BranchRows> given_up) = 0;
};

// Where the prompt's keys lie; in host memory where queries choose pages.
[[nodiscard]] std::unique_ptr<BranchStore> makeBranchStore(const StoreRequest& request, bool on_device);

}  // namespace kvatlas::capture
