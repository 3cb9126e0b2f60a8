// Runs work in the thread pool and delivers the result to a QObject's thread. The work must not use HDF5.
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
  std::string error;  // one sentence if there is no value
};

// work() → Value runs in the pool; done(PoolResult<Value>) runs in the thread of `context`, if that still exists.
template <class Work, class Done>
void runInPool(QObject* context, Work work, Done done) {
  using Value = std::invoke_result_t<Work>;
  using Result = PoolResult<Value>;
  auto promise = std::make_shared<QPromise<Result>>();
  // A child of the context: destroying the context drops the result.
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
