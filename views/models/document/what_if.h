// Recomputes a run from recorded scores as its parameters change: it ranks each score once and derives decisions from
// the ranking. Owns one run of the document. Qt Core only.
#pragma once

#include <QObject>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/policy/ranking.h"
#include "views/models/document/document.h"
#include "views/models/document/retained_estimate.h"
#include "views/models/document/what_if_request.h"

namespace kvatlas::views {

class WhatIf : public QObject {
  Q_OBJECT
 public:
  explicit WhatIf(Document& document, QObject* parent = nullptr);
  ~WhatIf() override;

  // The latest request wins. Emits decided() or failed(); decided() is emitted synchronously if the scores are already
  // ranked and the decision is small. Until then the last decision stays.
  void ask(const WhatIfRequest& request);
  void remove();  // removes the run from the document

  [[nodiscard]] const WhatIfRequest& request() const { return m_request; }
  [[nodiscard]] RunId run() const { return m_id; }  // kNoRun before the first decision
  [[nodiscard]] bool busy() const { return m_build != nullptr || m_deciding; }
  [[nodiscard]] double milliseconds() const { return m_milliseconds; }  // duration of the last decision

 signals:
  void decided();                       // Document::run(run()) is new
  void estimated();                     // it now has its retained mass
  void failed(const QString& message);  // the trace or the request is unsuitable
  void progress(int layers, int of);    // while scores are read and ranked
  void busyChanged();

 private:
  using Layers = std::vector<policy::RankedLayer>;
  struct Ranked {
    std::string key;
    std::shared_ptr<const Layers> layers;
  };
  struct Build;

  void refuse(const std::string& message);
  void build(std::uint32_t depth);
  void readNext(const std::shared_ptr<Build>& build);
  void layerRanked(const std::shared_ptr<Build>& build, std::size_t layer,
                   const std::shared_ptr<policy::RankedLayer>& ranked);
  void stopBuild();
  void decide();
  void finish(const WhatIfRequest& request, const KeepRule& rule, const policy::RankedDecision& result);
  void forget();
  void estimate();
  void readNextSums();

  Document& m_document;
  WhatIfRequest m_request;
  std::optional<KeepRule> m_rule;
  std::string m_key;
  Ranked m_ranked;
  std::shared_ptr<WindowSums> m_sums;  // complete once m_sums_read layers are read
  std::size_t m_sums_read = 0;
  bool m_estimating = false, m_estimate_again = false;
  std::shared_ptr<Build> m_build;
  GroupId m_group = 0;
  RunId m_id = kNoRun;
  bool m_deciding = false, m_again = false;
  double m_milliseconds = 0;
  int m_epoch = 0;  // decisions of an earlier epoch are dropped
};

}  // namespace kvatlas::views
