// Work without HDF5 on the processor's other cores, its result delivered to a QObject's thread; knows nothing else.
#pragma once

#include <QFutureWatcher>
#include <QObject>
#include <QPromise>
#include <QThreadPool>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "core/base/outcome.h"

namespace kvatlas::views {

template <class Value>
struct PoolResult {
  std::shared_ptr<Value> value;
  std::string error;  // one sentence where there is no value
};

// work() → Value runs in the pool; done(PoolResult<Value>) runs in the thread of `context` unless that is gone.
template <class Work, class Done>
void runInPool(QObject* context, Work work, Done done) {
  using Value = std::invoke_result_t<Work>;
  using Result = PoolResult<Value>;
  auto promise = std::make_shared<QPromise<Result>>();
  // A child of the context: it stops listening when the context goes, whatever the pool does meanwhile.
  auto* watcher = new QFutureWatcher<Result>(context);
  QObject::connect(watcher, &QFutureWatcher<Result>::finished, context, [watcher, done = std::move(done)] {
    watcher->deleteLater();
    done(watcher->result());
  });
  watcher->setFuture(promise->future());
  promise->start();
  QThreadPool::globalInstance()->start([promise, work = std::move(work)] {
    Result result;
    result.error = guarded([&] { result.value = std::make_shared<Value>(work()); }).message;
    promise->addResult(std::move(result));
    promise->finish();
  });
}

}  // namespace kvatlas::views
