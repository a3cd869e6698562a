import type { Texts } from './texts.ts'

// \u00a0 keeps a colon on the same line as its word. Avoid participles that agree with the user's gender.
export const french: Texts = {
  language: 'fr',

  continueWith: 'Continuer avec {provider}',
  signIn: 'Se connecter',
  signUp: 'Créer un compte',
  lastUsed: 'Utilisé en dernier',
  loading: 'Chargement…',
  goingOn: 'Redirection vers {provider}…',
  loadingFailed: 'Le chargement a échoué.',
  authFailed: 'Impossible de vérifier si votre session est ouverte.',
  noProviders: 'La connexion est impossible pour le moment.',
  tryAgain: 'Réessayer',
  close: 'Fermer',
  signedIn: 'Votre session est ouverte',

  signOut: 'Se déconnecter',
  signOutOthers: 'Se déconnecter partout ailleurs',
  signOutGlobal: 'Se déconnecter partout',
  signingOut: 'Déconnexion…',
  signOutFailed: 'Votre session est toujours ouverte. Veuillez réessayer.',

  accountOf: 'Compte\u00a0: {name}',
  account: 'Votre compte',
  profile: 'Profil',
  name: 'Nom',
  unconfirmed: 'Non confirmée',
  save: 'Enregistrer',
  saved: 'Modification enregistrée.',
  identities: 'Comptes associés',
  connect: 'Associer {provider}',
  disconnect: 'Dissocier',
  disconnectQuestion: 'Vous ne pourrez plus vous connecter avec {provider}.',
  disconnected: 'Votre compte n’est plus associé à {provider}.',
  sessions: 'Vos sessions ouvertes',
  thisDevice: 'Cet appareil',
  unknownDevice: 'Appareil inconnu',
  lastUsedAt: 'Dernière utilisation\u00a0: {date}',
  since: 'Depuis le {date}',
  signOutDevice: 'Se déconnecter\u00a0: {device}',
  deviceSignedOut: 'Session fermée\u00a0: {device}.',
  othersSignedOut: 'Toutes les autres sessions sont fermées.',
  export: 'Vos données',
  exportNote: 'Téléchargez toutes les données que nous conservons à votre sujet.',
  download: 'Télécharger',
  delete: 'Supprimer le compte',
  deleteQuestion:
    'Votre compte et tout son contenu seront supprimés définitivement. Cette action est irréversible.',
  deleteNow: 'Supprimer définitivement',

  unknownError: 'La connexion a échoué. Veuillez réessayer.',
  unknownProvider: 'Le fournisseur',
  errors: {
    access_denied: 'Vous avez annulé la connexion.',
    account_inactive: '{provider} indique que ce compte est inactif.',
    email_missing:
      '{provider} n’a pas communiqué d’adresse e-mail. Ajoutez-en une à votre compte, puis réessayez.',
    email_not_allowed:
      'Votre adresse e-mail n’est pas acceptée ici. Utilisez un autre compte ou contactez l’administrateur du site.',
    email_unverified:
      '{provider} n’a pas vérifié votre adresse e-mail. Vérifiez-la, puis réessayez.',
    flow_expired: 'La connexion a pris trop de temps. Veuillez réessayer.',
    flow_missing:
      'Vous avez commencé à vous connecter dans un autre navigateur ou une autre fenêtre. Veuillez recommencer ici.',
    flow_used: 'Cette connexion a déjà été effectuée. Veuillez recommencer.',
    provider_bad_answer: '{provider} a envoyé une réponse illisible. Veuillez réessayer plus tard.',
    provider_refused: '{provider} a refusé la connexion. Veuillez réessayer plus tard.',
    provider_unavailable:
      '{provider} est injoignable pour le moment. Veuillez réessayer dans un instant.',
    refused: 'Vous ne pouvez pas vous connecter ici. Veuillez contacter l’administrateur du site.',
    sign_up_closed:
      'Ce site n’accepte pas de nouveaux comptes. Veuillez contacter l’administrateur du site.',
    user_banned: 'Ce compte a été suspendu. Veuillez contacter l’administrateur du site.',

    cross_site: 'Cette requête a été bloquée, car elle provenait d’un autre site.',
    forbidden: 'Vous n’avez pas l’autorisation d’effectuer cette action.',
    invalid_request: 'Impossible de traiter cette requête.',
    not_found: 'Page introuvable.',
    prefetch_refused: 'Cliquez sur un lien ou un bouton pour ouvrir cette page.',
    too_many_requests: 'Trop de tentatives. Veuillez patienter un instant, puis réessayer.',
    reauth_required: 'Veuillez vous reconnecter pour confirmer votre identité.',
    server_error: 'Une erreur est survenue de notre côté. Veuillez réessayer.',
    unauthenticated: 'Veuillez vous connecter pour continuer.',
    unavailable:
      'Cette action est indisponible pour le moment. Veuillez réessayer dans un instant.',

    unreachable: 'Le serveur est injoignable pour le moment. Veuillez réessayer dans un instant.',
    bad_answer: 'Le serveur a envoyé une réponse illisible. Veuillez réessayer plus tard.',
  },
}
