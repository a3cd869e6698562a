import type { Texts } from './texts.ts'

export const japanese: Texts = {
  language: 'ja',

  continueWith: '{provider}で続ける',
  signIn: 'ログイン',
  signUp: 'アカウントを作成',
  lastUsed: '前回使用',
  loading: '読み込み中…',
  goingOn: '{provider}に移動しています…',
  loadingFailed: '読み込めませんでした。もう一度お試しください。',
  authFailed: 'ログインの状態を確認できませんでした。',
  noProviders: '現在、ログインできません。',
  tryAgain: '再試行',
  close: '閉じる',
  signedIn: 'ログインしています',

  signOut: 'ログアウト',
  signOutOthers: '他のすべてのデバイスからログアウト',
  signOutGlobal: 'すべてのデバイスからログアウト',
  signingOut: 'ログアウト中…',
  signOutFailed: 'まだログインしたままです。もう一度お試しください。',

  accountOf: '{name}のアカウント',
  account: 'アカウント',
  profile: 'プロフィール',
  name: '名前',
  unconfirmed: '未確認',
  save: '保存',
  saved: '保存しました。',
  identities: '連携アカウント',
  connect: '{provider}と連携',
  disconnect: '連携を解除',
  disconnectQuestion: '解除すると、{provider}ではログインできなくなります。',
  disconnected: '{provider}との連携を解除しました。',
  sessions: 'ログイン中のデバイス',
  thisDevice: 'このデバイス',
  unknownDevice: '不明なデバイス',
  lastUsedAt: '最終利用：{date}',
  since: '{date}から',
  signOutDevice: '{device}からログアウト',
  deviceSignedOut: '{device}からログアウトしました。',
  othersSignedOut: '他のすべてのデバイスからログアウトしました。',
  export: 'お客様のデータ',
  exportNote: 'お客様について保存されているすべての情報を、ファイルで取得できます。',
  download: 'ダウンロード',
  delete: 'アカウントを削除',
  deleteQuestion: 'アカウントとその内容がすべて削除されます。この操作は取り消せません。',
  deleteNow: '完全に削除',

  unknownError: 'ログインできませんでした。もう一度お試しください。',
  // A プロバイダー would be taken for the one of the line.
  unknownProvider: '認証サービス',
  errors: {
    access_denied: 'ログインをキャンセルしました。何も変更されていません。',
    account_inactive: '{provider}によると、このアカウントは有効ではありません。',
    flow_expired: 'ログインに時間がかかりすぎました。もう一度お試しください。',
    flow_missing:
      'このログインは別のブラウザーまたはウィンドウで開始されました。ここで最初からやり直してください。',
    flow_used: 'このログインはすでに完了しています。最初からやり直してください。',
    provider_bad_answer:
      '{provider}からの応答を読み取れませんでした。時間をおいてもう一度お試しください。',
    provider_refused: '{provider}がログインを拒否しました。時間をおいてもう一度お試しください。',
    provider_unavailable:
      '{provider}に現在接続できません。しばらくしてからもう一度お試しください。',
    user_banned:
      'このアカウントは当サイトで停止されています。サイトの運営者にお問い合わせください。',

    cross_site: 'このリクエストは別のサイトから送信されたため、拒否されました。',
    forbidden: 'この操作を行う権限がありません。',
    invalid_request: 'リクエストの内容を認識できませんでした。',
    not_found: 'ここには何もありません。',
    prefetch_refused: 'このページは、クリックした場合にのみ開きます。',
    too_many_requests: '操作の回数が多すぎます。しばらくしてからもう一度お試しください。',
    reauth_required: 'ご本人確認のため、先にもう一度ログインしてください。',
    server_error: 'サーバー側で問題が発生しました。もう一度お試しください。',
    unauthenticated: '先にログインしてください。',
    unavailable: '現在、この操作はできません。しばらくしてからもう一度お試しください。',

    unreachable: 'サーバーに現在接続できません。しばらくしてからもう一度お試しください。',
    bad_answer: 'サーバーからの応答を読み取れませんでした。時間をおいてもう一度お試しください。',
  },
}
