// What the generated tokens of the run in focus attended to, in the selected layer: read on demand, heads joined.
// Qt Core only.
#pragma once

#include <QObject>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "views/models/document/selection.h"

namespace kvatlas::views {

struct AttendedKey {
  std::uint64_t position = 0;  // prompt tokens, then what the run was fed
  double mass = 0;
  friend bool operator==(const AttendedKey&, const AttendedKey&) = default;
};

// The keys of one step for a choice of heads, at most K, by descending mass, ties by position. Where several heads are
// joined: the sum of the recorded masses over their number, or the largest; a key that a head did not record counts as
// 0 there.
[[nodiscard]] std::vector<AttendedKey> attendedKeys(const trace::AttendedLayer& layer, std::size_t step,
                                                    const HeadChoice& heads, const trace::ModelInfo& model);

// A token of the prompt or of what a run was fed, as people can read it, and what stands around it.
struct SequenceToken {
  std::string text, before, after, spans;
  bool generated = false;
};

class DecodeAttended : public QObject {
  Q_OBJECT
 public:
  DecodeAttended(Document& document, Selection& selection, QObject* parent = nullptr);

  // Null until it is read: asks for it, and changed() follows. Null for ever where why() says so.
  [[nodiscard]] const trace::AttendedLayer* layer();
  [[nodiscard]] std::vector<AttendedKey> keys(std::size_t step);  // of the selected heads; empty without a layer
  [[nodiscard]] QString why() const;                              // one sentence why there is no layer; empty with one
  [[nodiscard]] SequenceToken token(std::uint64_t position);      // of the run in focus

 signals:
  void changed();

 private:
  // What is read: the run in focus and the selected layer.
  using Wanted = std::tuple<RunId, std::uint32_t>;
  [[nodiscard]] Wanted wanted() const { return {m_selection.focusRun(), m_selection.layer().value}; }
  [[nodiscard]] QString obstacle() const;
  [[nodiscard]] RunPointer fedRun();
  [[nodiscard]] std::string bytesAt(std::uint64_t position);
  void ask();
  void forget();

  Document& m_document;
  Selection& m_selection;
  std::optional<Wanted> m_asked;
  std::optional<trace::AttendedLayer> m_layer;
  std::string m_error;
  RequestId m_request = 0;
};

}  // namespace kvatlas::views
